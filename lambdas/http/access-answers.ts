/** Room: lambdas/http. What answers about access, fleets and devices look like; no function loads them. */
import * as z from "zod/mini";
import { roleIds } from "../../core/standard/access.ts";
import { issuedCertificate } from "./answer-schemas.ts";
import { fleetConfigurationRequest } from "./configuration-schemas.ts";
import {
  approvalId,
  claimId,
  deviceId,
  documented,
  enrollmentRequestId,
  fleetId,
  operatorId,
  profileId,
  serialNumber,
} from "./schemas.ts";

const time = (description: string) =>
  documented(z.iso.datetime(), { description, example: "2026-03-01T12:00:00Z" });
const secret = (description: string) =>
  documented(z.string(), { description, example: "EXAMPLE-ONLY-EXAMPLE-ONLY-EXAMPLE-ONLY-EXAM" });
const roleNames = z.array(z.enum(roleIds));

export const operator = documented(
  z.strictObject({
    operatorId: operatorId(),
    roles: roleNames,
    state: z.enum(["invited", "active", "suspended"]),
    passkeys: documented(z.int(), { description: "How many passkeys are registered." }),
    createdAt: time("When the operator was first named."),
  }),
  { id: "Operator" },
);
export const operatorList = documented(z.strictObject({ operators: z.array(operator) }), {
  id: "OperatorList",
});

export const invitation = documented(
  z.strictObject({
    operatorId: operatorId(),
    invitation: secret("Registers one passkey, once. Shown once; the service keeps only a hash of it."),
    url: documented(z.exactOptional(z.string()), {
      description: "The page to open; the invitation is in the fragment, which browsers do not send.",
    }),
    expiresAt: time("When the invitation expires."),
  }),
  { id: "Invitation" },
);

export const challengeAnswer = documented(
  z.strictObject({
    challenge: documented(z.string(), { description: "32 random octets in base64url; good once." }),
    relyingPartyId: documented(z.exactOptional(z.string()), {
      description: "Absent while the fleet has no page for passkeys.",
      example: "localhost",
    }),
    expiresAt: time("When the challenge expires."),
  }),
  { id: "Challenge" },
);

export const registeredPasskey = documented(
  z.strictObject({ operatorId: operatorId(), credentialId: z.string(), state: z.literal("active") }),
  { id: "RegisteredPasskey" },
);

export const session = documented(
  z.strictObject({
    token: secret(
      "Sent as `Authorization: DPoP …`, each time with a proof of the key it is bound to (RFC 9449).",
    ),
    operatorId: operatorId(),
    roles: roleNames,
    expiresAt: time("When the session ends."),
  }),
  { id: "Session" },
);

export const ended = documented(z.strictObject({ status: z.literal("ended") }), { id: "EndedSession" });

export const approval = documented(
  z.strictObject({
    approvalId: approvalId(),
    operation: z.string(),
    critical: documented(z.string(), { description: "Which critical operation of the standard it is." }),
    parameters: z.record(z.string(), z.string()),
    body: z.record(z.string(), z.unknown()),
    operationDigest: documented(z.string(), { description: "SHA-256 of the very operation, hexadecimal." }),
    challenge: documented(z.string(), {
      description:
        "What passkeys sign: it is made from approval and operation, changes every half minute and is good for five minutes. base64url.",
    }),
    relyingPartyId: z.exactOptional(z.string()),
    url: documented(z.exactOptional(z.string()), {
      description: "The page at which passkeys approve it; absent while the fleet has none.",
    }),
    state: z.enum(["requested", "approved", "executed", "expired"]),
    persons: documented(z.int(), { description: "How many people it needs." }),
    requestedBy: operatorId(),
    approvedBy: z.array(operatorId()),
    createdAt: time("When it was asked for."),
    expiresAt: time("When it can no longer be executed."),
    executedAt: z.exactOptional(time("When it was executed.")),
  }),
  { id: "Approval" },
);
export const approvalList = documented(z.strictObject({ approvals: z.array(approval) }), {
  id: "ApprovalList",
});

export const fleetDetails = documented(
  z.strictObject({
    fleet: fleetId(),
    trustDomain: z.string(),
    state: z.enum(["active", "suspended"]),
    createdAt: time("When the fleet was made."),
    configurationVersion: documented(z.int(), { description: "0 while nobody has configured the fleet." }),
    configuration: fleetConfigurationRequest(),
  }),
  { id: "Fleet" },
);

const deviceStates = ["registered", "active", "quarantined", "suspended", "retired"] as const;
export const device = documented(
  z.strictObject({
    deviceId: deviceId(),
    state: z.enum(deviceStates),
    registeredAt: time("When it was first named."),
    stateSince: z.exactOptional(time("When it was suspended, quarantined or retired.")),
    currentCertificate: z.exactOptional(
      z.strictObject({
        serialNumber: serialNumber(),
        notAfter: time("Its end."),
        renewAfter: time("When to renew."),
      }),
    ),
  }),
  { id: "Device" },
);

export const registrations = documented(
  z.strictObject({
    registered: documented(z.int(), { description: "New rows." }),
    unchanged: documented(z.int(), { description: "Rows that were there already, the same." }),
    refused: z.array(
      z.strictObject({
        row: documented(z.int(), { description: "Index in the upload, from 0." }),
        code: z.string(),
        detail: z.string(),
      }),
    ),
  }),
  { id: "Registrations" },
);

export const claim = documented(
  z.strictObject({
    claimId: claimId(),
    serialNumber: serialNumber(),
    quota: z.int(),
    used: z.int(),
    profile: profileId(),
    notAfter: time("When the claim ends."),
    status: z.enum(["active", "revoked", "expired"]),
  }),
  { id: "Claim" },
);
export const issuedClaim = documented(z.extend(issuedCertificate, { claimId: claimId(), quota: z.int() }), {
  id: "IssuedClaim",
});

export const enrollmentRequest = documented(
  z.strictObject({
    requestId: enrollmentRequestId(),
    deviceId: deviceId(),
    keyAlgorithm: z.string(),
    keySha256: documented(z.string(), {
      description: "SHA-256 of the SubjectPublicKeyInfo; compare it with the device's.",
    }),
    state: z.enum(["pending", "approved", "denied"]),
    requestedAt: time("When it was first made."),
    expiresAt: time("When it is forgotten."),
  }),
  { id: "EnrollmentRequest" },
);
export const pendingEnrollment = documented(
  z.strictObject({ status: z.literal("pending"), requestId: enrollmentRequestId() }),
  { id: "PendingEnrollment" },
);
export const enrollmentRequestList = documented(z.strictObject({ requests: z.array(enrollmentRequest) }), {
  id: "EnrollmentRequestList",
});

export type Operator = z.infer<typeof operator>;
export type OperatorList = z.infer<typeof operatorList>;
export type Invitation = z.infer<typeof invitation>;
export type Session = z.infer<typeof session>;
export type Approval = z.infer<typeof approval>;
export type ApprovalList = z.infer<typeof approvalList>;
export type FleetDetails = z.infer<typeof fleetDetails>;
export type Device = z.infer<typeof device>;
export type Registrations = z.infer<typeof registrations>;
export type Claim = z.infer<typeof claim>;
export type IssuedClaim = z.infer<typeof issuedClaim>;
export type EnrollmentRequest = z.infer<typeof enrollmentRequest>;
export type EnrollmentRequestList = z.infer<typeof enrollmentRequestList>;
