/** Room: core/rotation. What waits for people in a fleet, from what is on record: nothing here is remembered. */
import type { Fleet, Issuer } from "../authority/issuer.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import type { KeyCondition } from "../ports.ts";
import type { CeremonyRecord } from "../records/ceremony-record.ts";
import type { CrlRecord } from "../records/crl-record.ts";
import type { KeyConditionsRecord } from "../records/key-conditions-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import type { RotationTaskRecord } from "../records/rotation-task-record.ts";
import { publicationSchedules } from "../standard/revocation.ts";
import { keyAge } from "./cryptoperiod.ts";
import { dataKeyDuties } from "./data-key-duties.ts";
import { lastListAt } from "./drain.ts";
import { type HeldKey, stateOfKey } from "./key-ring.ts";

export type Duty = Pick<RotationTaskRecord, "action" | "subject" | "severity" | "dueAt">;

/** All that decides. */
export interface Situation {
  readonly fleet: Fleet;
  readonly keys: readonly HeldKey[];
  readonly rollovers: readonly RolloverRecord[];
  /** The last of them, in any order. */
  readonly ceremonies: readonly CeremonyRecord[];
  /** Of roots, those that were ever published. */
  readonly rootLists: readonly CrlRecord[];
  readonly conditions?: KeyConditionsRecord;
  /** The next signer of trust manifests, whose key an offline root's request waits for. */
  readonly missingSigner?: string;
  readonly now: number;
}

const hour = 3_600_000;
/** Where the next key can simply be made, the publication has made it long before: it runs every minute. */
const selfHelpMilliseconds = hour;

const isHeld = ({ state }: CeremonyRecord): boolean => state === "approved" || state === "open";

/** Of a key that is due: a warning until its cryptoperiod is over. */
const urgency = (key: HeldKey, now: number): Duty["severity"] =>
  stateOfKey(key, now) === "due" ? "warning" : "critical";

const isDueKey = (key: HeldKey, now: number): boolean =>
  ["due", "overdue", "refused"].includes(stateOfKey(key, now));

function ceremonyDuties({ ceremonies, keys, now }: Situation, rollover: RolloverRecord): readonly Duty[] {
  const { rolloverId, emergency, fromId, toId } = rollover;
  const own = ceremonies
    .filter((each) => each.rolloverId === rolloverId)
    .toSorted((left, right) => right.createdAt - left.createdAt);
  if (own.some(isHeld)) return [];
  const from = keys.find(({ name }) => name === fromId);
  const age = from === undefined ? undefined : keyAge(from.kind, from.since);
  const isUrgent = emergency || (age !== undefined && now >= age.overdueAt);
  const severity = isUrgent ? "critical" : "warning";
  const dueAt = emergency || age === undefined ? {} : { dueAt: age.refusedAt };
  const open: Duty = { action: "openCeremony", subject: rolloverId, severity, ...dueAt };
  if (own[0]?.state !== "failed" || own[0].failure !== "configuration_invalid") return [open];
  return [{ action: "deployKey", subject: toId, severity, ...dueAt }, open];
}

/** When no list is to be signed with it any more, or it is gone. */
function mayGo({ conditions, keys, now }: Situation, rollover: RolloverRecord): boolean {
  const keyId = keys.find(({ name }) => name === rollover.fromId)?.keyId;
  const found = conditions?.keys.find((key) => key.keyId === keyId);
  return now >= lastListAt(rollover) || found?.condition === "destroyed";
}

function rolloverDuties(situation: Situation, rollover: RolloverRecord): readonly Duty[] {
  const { gateway } = situation.fleet;
  const { state, rolloverId, fromId, toId, emergency, destructionApprovedAt } = rollover;
  if (state === "planned") return ceremonyDuties(situation, rollover);
  if (state === "published" && gateway !== undefined && !gateway.authorityIds.includes(toId))
    return [{ action: "deployGateway", subject: rolloverId, severity: emergency ? "critical" : "warning" }];
  if (state === "retired" && destructionApprovedAt === undefined && mayGo(situation, rollover))
    return [{ action: "destroyKey", subject: fromId, severity: "information" }];
  return [];
}

/** Roots whose lists name the authority once it is revoked: the one above it, or those that have certified its key. */
function isBelow({ record, certificate: root }: Issuer, { record: below }: Issuer): boolean {
  const crossed = (below.crossCertificates ?? []).map((one) => decodeCertificate(Buffer.from(one, "base64")));
  return (
    record.authorityId === below.parentId ||
    crossed.some(({ tbs }) => Buffer.compare(tbs.issuerRaw, root.tbs.subjectRaw) === 0)
  );
}

/** A list of a root that is due, or does not say yet that an authority's certificate was revoked. */
function rootListDuties({ rootLists, rollovers, fleet, ceremonies, now }: Situation): readonly Duty[] {
  if (ceremonies.some(isHeld)) return [];
  const authority = (id: string) => fleet.authorities.find(({ record }) => record.authorityId === id);
  const revokedAt = (rootId: string): number => {
    const root = authority(rootId);
    const times = rollovers.map(({ fromId, revokedAt: at = 0 }) => {
      const lost = authority(fromId);
      return root !== undefined && lost !== undefined && isBelow(root, lost) ? at : 0;
    });
    return Math.max(0, ...times);
  };
  return rootLists.flatMap(({ authorityId, thisUpdate, nextUpdate }): readonly Duty[] => {
    const isBehind = revokedAt(authorityId) > thisUpdate;
    const isDue = now >= thisUpdate + publicationSchedules.rootCrl.refreshSeconds * 1000;
    if (!isBehind && !isDue) return [];
    const severity = isBehind || now >= nextUpdate - 30 * 24 * hour ? "critical" : "warning";
    return [{ action: "openCeremony", subject: authorityId, severity, dueAt: nextUpdate }];
  });
}

/** A root that drains retires when nothing that signs stands below it. */
function isBelowDraining({ authorities }: Fleet, { certifiedBy }: HeldKey): boolean {
  return authorities.some(
    ({ record }) =>
      record.authorityId === certifiedBy && record.kind === "root" && record.state === "draining",
  );
}

/** A signer that is due, or stands below a root that goes; and the key of the next, where it has to be made first. */
function signerDuties({ fleet, keys, ceremonies, missingSigner, now }: Situation): readonly Duty[] {
  const held = ceremonies.some((each) => each.purpose === "trustSigner" && isHeld(each));
  // What an offline root has certified takes its place by itself; a ceremony that died is opened again.
  const isSucceeded = keys.some(
    ({ kind, use, certifiedBy }) =>
      kind === "trustManifestSigner" &&
      use === "waiting" &&
      keys.some(({ name, custody }) => name === certifiedBy && custody === "offline"),
  );
  if (held || isSucceeded) return [];
  return keys
    .filter(({ kind, use }) => kind === "trustManifestSigner" && use === "used")
    .filter((key) => isDueKey(key, now) || isBelowDraining(fleet, key))
    .flatMap((key): readonly Duty[] => {
      const severity = isDueKey(key, now) ? urgency(key, now) : "warning";
      const duty = { severity, dueAt: keyAge(key.kind, key.since).refusedAt } as const;
      const open: Duty = { action: "openCeremony", subject: key.name, ...duty };
      return missingSigner === undefined
        ? [open]
        : [{ action: "deployKey", subject: missingSigner, ...duty }, open];
    });
}

/** The publication takes the next key by itself where it can. */
function responderDuties({ keys, now }: Situation): readonly Duty[] {
  return keys
    .filter((key) => key.kind === "ocspResponder" && isDueKey(key, now))
    .filter(({ kind, since }) => now >= keyAge(kind, since).dueAt + selfHelpMilliseconds)
    .map((key) => ({
      action: "deployKey",
      subject: `ocsp-${Number(key.name.replace(/^ocsp-/, "")) + 1}`,
      severity: urgency(key, now),
      dueAt: keyAge(key.kind, key.since).refusedAt,
    }));
}

function replacementDuties({ keys, now }: Situation): readonly Duty[] {
  return keys
    .filter((key) => ["overdue", "refused"].includes(stateOfKey(key, now)))
    .map(({ kind, name, since }) => ({
      action: "replaceKey",
      subject: name,
      severity: "critical",
      dueAt: keyAge(kind, since).refusedAt,
    }));
}

const isUsable = (condition: KeyCondition | "destroyed"): boolean => condition === "enabled";

/** What is out may be disabled, and is to be destroyed. */
function conditionDuties({ keys, conditions }: Situation): readonly Duty[] {
  const known = new Map(conditions?.keys.map((key) => [key.keyId, key]));
  return keys.flatMap(({ name, keyId, use }): readonly Duty[] => {
    const found = known.get(keyId ?? "");
    if (use === "out" || found === undefined || isUsable(found.condition)) return [];
    const dueAt = found.deletionAt === undefined ? {} : { dueAt: found.deletionAt };
    return [{ action: "inspectKey", subject: name, severity: "critical", ...dueAt }];
  });
}

/** Each subject once for each action. */
export function dutiesOf(situation: Situation): readonly Duty[] {
  const { conditions, rollovers, now } = situation;
  const all = [
    ...rollovers.flatMap((rollover) => rolloverDuties(situation, rollover)),
    ...rootListDuties(situation),
    ...signerDuties(situation),
    ...responderDuties(situation),
    ...replacementDuties(situation),
    ...conditionDuties(situation),
    ...dataKeyDuties(conditions?.dataKeys ?? [], now),
  ];
  return [...new Map(all.map((duty) => [`${duty.action}#${duty.subject}`, duty])).values()];
}
