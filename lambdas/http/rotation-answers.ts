/** Room: lambdas/http. What answers about keys, rollovers and ceremonies look like, for the OpenAPI document and the client. */
import * as z from "zod/mini";
import { ceremonyPurposes, ceremonyStates } from "../../core/records/ceremony-record.ts";
import { authorityStates } from "../../core/records/fleet-record.ts";
import { rolloverStates } from "../../core/records/rollover-record.ts";
import { rotationActions } from "../../core/records/rotation-task-record.ts";
import { keyAgeStates, keyUses } from "../../core/rotation/key-views.ts";
import { gates } from "../../core/rotation/views.ts";
import { rotationThresholds } from "../../core/standard/rotation.ts";
import { time } from "./answer-schemas.ts";
import { authorityAlgorithm, authorityKind, custody, keyName } from "./rotation-schemas.ts";
import { approvalId, authorityId, ceremonyId, cursor, documented, fleetId, rolloverId } from "./schemas.ts";

const count = (description: string) => documented(z.int(), { description });
const maybe = (description: string) => z.exactOptional(time(description));

const gate = documented(
  z.strictObject({
    gate: z.enum(gates),
    holds: z.boolean(),
    have: z.exactOptional(z.number()),
    want: z.exactOptional(z.number()),
    at: maybe("When it holds by itself."),
  }),
  { id: "RolloverGate", description: "What a state waits for." },
);

export const rollover = documented(
  z.strictObject({
    rolloverId: rolloverId(),
    kind: authorityKind(),
    state: documented(z.enum(rolloverStates), {
      description:
        "planned; published: the successor is trusted; active: it issues, and can be taken back; draining: the predecessor's certificates run out; retired: the predecessor is out of the trust; destroyed: its key is on its way to destruction; rolledBack.",
    }),
    from: authorityId(),
    to: authorityId(),
    algorithm: authorityAlgorithm(),
    custody: custody(),
    emergency: z.boolean(),
    createdAt: time("When it was planned."),
    createdBy: documented(z.string(), { description: "`operator:…`, or `system`." }),
    enteredAt: time("When it came into this state."),
    publishedAt: maybe("When the successor came into the trust."),
    namedAt: maybe("When a published trust manifest first named it."),
    trustVersion: z.exactOptional(count("The version of that manifest.")),
    activatedAt: maybe("When the successor began to issue."),
    drainedAt: maybe("When the last certificate of the predecessor has ended."),
    retiredAt: maybe("When the predecessor left the trust."),
    destructionApprovedAt: maybe("When two people decided that its key goes."),
    deletionAt: maybe("When its key is gone for good."),
    endedAt: maybe("When nothing followed any more."),
    next: z.exactOptional(z.strictObject({ state: z.enum(rolloverStates), gates: z.array(gate) })),
    mayRollBack: z.boolean(),
  }),
  { id: "Rollover" },
);
export const rolloverPage = documented(
  z.strictObject({ rollovers: z.array(rollover), cursor: z.exactOptional(cursor()) }),
  { id: "RolloverPage" },
);

export const rolloverPlan = documented(
  z.strictObject({
    kind: authorityKind(),
    from: authorityId(),
    to: authorityId(),
    algorithm: authorityAlgorithm(),
    custody: custody(),
    emergency: z.boolean(),
    steps: z.array(
      z.strictObject({
        state: z.enum(rolloverStates),
        gates: z.array(z.enum(gates)),
        by: z.enum(["system", "people"]),
        at: maybe("The earliest."),
      }),
    ),
    keys: z.array(z.strictObject({ name: z.string(), algorithm: authorityAlgorithm() })),
    inForce: documented(
      z.strictObject({
        asOf: time("When it was counted."),
        certificates: count("Unexpired certificates of the predecessor."),
        byProfile: z.record(z.string(), z.int()),
      }),
      { description: "Whom it is about: what the predecessor has issued." },
    ),
    devices: z.exactOptional(
      z.strictObject({
        trusting: count("Devices that have acknowledged any trust."),
        upToDate: count("Those that have the newest version."),
        asOf: time("When it was counted."),
      }),
    ),
    blockedBy: z.exactOptional(rolloverId()),
  }),
  { id: "RolloverPlan" },
);

export const ceremony = documented(
  z.strictObject({
    ceremonyId: ceremonyId(),
    purpose: z.enum(ceremonyPurposes),
    mode: custody(),
    rolloverId: z.exactOptional(rolloverId()),
    signerId: z.exactOptional(documented(z.string(), { description: "The signer that is replaced." })),
    state: z.enum(ceremonyStates),
    approvalId: approvalId(),
    createdAt: time("When it was opened."),
    createdBy: z.string(),
    closesAt: time("Nothing is signed from then on."),
    rootsLent: count("Root keys that are lent at this time."),
    returnedAt: maybe("When the last of them was taken back."),
    failure: z.exactOptional(documented(z.string(), { description: "A code, where it could not be done." })),
    endedAt: maybe("When it was over."),
  }),
  { id: "Ceremony" },
);
export const ceremonyPage = documented(
  z.strictObject({ ceremonies: z.array(ceremony), cursor: z.exactOptional(cursor()) }),
  { id: "CeremonyPage" },
);

export const authority = documented(
  z.strictObject({
    authorityId: authorityId(),
    kind: authorityKind(),
    state: z.enum(authorityStates),
    algorithm: authorityAlgorithm(),
    custody: custody(),
    issuer: z.exactOptional(authorityId()),
    issues: documented(z.boolean(), { description: "Whether the fleet's certificates come from it now." }),
    serialNumber: z.string(),
    sha256: documented(z.string(), { description: "Of the certificate's DER, lowercase hexadecimal." }),
    notBefore: time("First moment of validity."),
    notAfter: time("Last moment of validity."),
    certificate: documented(z.string(), { description: "PEM." }),
    crossCertificates: documented(z.array(z.string()), {
      description: "PEM: certificates of this root's key that other roots signed (RFC 9810 §4.4).",
    }),
    changedAt: maybe("When it came into this state."),
  }),
  { id: "Authority" },
);
export const authorityList = documented(
  z.strictObject({ fleet: fleetId(), authorities: z.array(authority) }),
  { id: "AuthorityList" },
);

const key = documented(
  z.strictObject({
    kind: z.enum(Object.keys(rotationThresholds) as [keyof typeof rotationThresholds]),
    name: z.string(),
    keyId: z.exactOptional(z.string()),
    algorithm: z.exactOptional(z.string()),
    use: z.enum(keyUses),
    custody: custody(),
    since: time("From when its age counts."),
    ageDays: z.number(),
    state: z.enum(keyAgeStates),
    warnAt: time("From when people are told."),
    dueAt: time("When its rotation is to begin."),
    overdueAt: time("The end of its cryptoperiod."),
    refusedAt: time("From when it signs nothing more."),
    condition: z.exactOptional(
      documented(z.enum(["enabled", "disabled", "pendingDeletion", "unavailable", "destroyed"]), {
        description: "How its service has it.",
      }),
    ),
    deletionAt: maybe("When it is gone for good."),
    rotationDays: z.exactOptional(z.number()),
    onDemandRotations: z.exactOptional(z.int()),
    onDemandLimit: z.exactOptional(z.int()),
    nextAction: z.enum(["none", "byItself", "planRollover", ...rotationActions]),
    nextAt: maybe("When that is to be done."),
  }),
  { id: "Key" },
);
export const keyReport = documented(
  z.strictObject({
    fleet: fleetId(),
    reportedAt: time("Now."),
    conditionsAsOf: maybe("When the key service was asked how the keys are."),
    keys: z.array(key),
    certificates: z.array(
      z.strictObject({
        profile: z.string(),
        cryptoperiodDays: z.number(),
        unexpired: z.int(),
        firstEndsOn: z.exactOptional(z.iso.date()),
      }),
    ),
    certificatesAsOf: time("When certificates were counted."),
  }),
  { id: "KeyReport" },
);

export const rotationTaskList = documented(
  z.strictObject({
    tasks: z.array(
      documented(
        z.strictObject({
          action: z.enum(rotationActions),
          subject: z.string(),
          severity: z.enum(["information", "warning", "critical"]),
          openedAt: time("When it was opened."),
          dueAt: maybe("When it must be done."),
          closedAt: maybe("When its reason was gone."),
        }),
        { id: "RotationTask" },
      ),
    ),
  }),
  { id: "RotationTaskList" },
);

export const dataKeyRotation = documented(
  z.strictObject({
    name: keyName(),
    askedAt: time("When it was asked for; a task does it."),
    onDemandRotations: documented(z.int(), {
      description: "How often it was asked for before, as far as is known.",
    }),
    onDemandLimit: documented(z.int(), { description: "How often it can be, in the life of the key." }),
  }),
  { id: "DataKeyRotation" },
);

export type Rollover = z.infer<typeof rollover>;
export type RolloverPlan = z.infer<typeof rolloverPlan>;
export type Ceremony = z.infer<typeof ceremony>;
export type Authority = z.infer<typeof authority>;
export type KeyReport = z.infer<typeof keyReport>;
export type RotationTaskList = z.infer<typeof rotationTaskList>;
