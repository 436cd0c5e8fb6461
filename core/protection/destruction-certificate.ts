/**
 * Room: core/protection. The certificate of destruction: what was destroyed, who decided it, from when on nobody can
 * bring it back, and what it does not cover. Its canonical JSON stands in the audit log, under its own digest.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "../access/operation.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import type { ShredRecord } from "../records/shred-record.ts";
import { protectionStandard } from "../standard/protection.ts";
import type { Tombstone } from "./shred-tombstone.ts";

export interface DestructionFacts {
  readonly shred: ShredRecord;
  readonly tombstone: Tombstone;
  /** Days in which the subject keys' own store could bring back what was deleted. */
  readonly keyRecoveryDays: number;
  /** Purposes whose data keys are wrapped under the fleet's own key, at the time. */
  readonly fleetWrappedPurposes: readonly string[];
}

/** Times are ISO 8601, UTC. */
export interface DestructionCertificate {
  readonly version: 1;
  readonly shredId: string;
  readonly fleet: string;
  readonly scope: "subject" | "fleet";
  readonly subject?: string;
  readonly reason: string;
  readonly decidedAt: string;
  readonly decidedBy: string;
  readonly approvalId: string;
  /** From then on the service made and opened no key of it. */
  readonly unreadableFrom: string;
  /** When the last subject key was deleted. */
  readonly destroyedAt: string;
  readonly subjectKeys: number;
  /** Of a subject: each of them, and the wrapping key that it was under. */
  readonly keys?: readonly { readonly version: number; readonly keyId: string }[];
  /** Until then the store of subject keys could be restored to a moment before. */
  readonly keyRecoveryEndsAt: string;
  /** Until then the service, or a client of it, could have used a key in its memory. */
  readonly serviceCachesEndAt: string;
  readonly clientCachesEndAt: string;
  /** Of a fleet: when its wrapping keys are gone. */
  readonly wrappingKeysGoneAt?: string;
  /** The latest of these: from then on nobody can bring back what is covered. */
  readonly finalFrom: string;
  readonly notCovered: readonly string[];
}

const day = 86_400_000;

function notCovered({ shred, fleetWrappedPurposes }: DestructionFacts): readonly string[] {
  const copies = "what readers have copied in the clear, data or keys of data";
  if (shred.scope === "fleet") return [copies];
  const purposes = [...fleetWrappedPurposes].sort().join(", ");
  return [
    `data of purposes while they were wrapped under the fleet's own key; at this time: ${purposes || "none"}`,
    "the subject's key where a backend with rights at the key service has kept it wrapped (subject-key.given)",
    "data that were moved to another subject (data.moved)",
    copies,
  ];
}

function keysOf({ keys }: Tombstone): readonly { readonly version: number; readonly keyId: string }[] {
  return keys.map((note) => {
    const [version = "", ...keyId] = note.split(" ");
    return { version: Number(version), keyId: keyId.join(" ") };
  });
}

/** The same facts make the same certificate. */
export function destructionCertificate(facts: DestructionFacts): DestructionCertificate {
  const { shred, tombstone, keyRecoveryDays } = facts;
  const { shredId, fleet, scope, subject, reason, decidedBy, approvalId, wrappingKeysGoneAt } = shred;
  const { shreddedAt, destroyed, destroyedAt = shreddedAt } = tombstone;
  const { serviceCache, clientCache } = protectionStandard;
  const recoveryEnds = destroyedAt + keyRecoveryDays * day;
  const serviceEnds = destroyedAt + serviceCache.maximumAgeSeconds * 1_000;
  const clientsEnd = destroyedAt + clientCache.ageSeconds.maximum * 1_000;
  const final = Math.max(recoveryEnds, serviceEnds, clientsEnd, wrappingKeysGoneAt ?? 0);
  return {
    version: 1,
    shredId,
    fleet,
    scope,
    ...(subject === undefined ? {} : { subject }),
    reason,
    decidedAt: isoSeconds(shred.decidedAt),
    decidedBy,
    approvalId,
    unreadableFrom: isoSeconds(shreddedAt),
    destroyedAt: isoSeconds(destroyedAt),
    subjectKeys: destroyed,
    ...(subject === undefined ? {} : { keys: keysOf(tombstone) }),
    keyRecoveryEndsAt: isoSeconds(recoveryEnds),
    serviceCachesEndAt: isoSeconds(serviceEnds),
    clientCachesEndAt: isoSeconds(clientsEnd),
    ...(wrappingKeysGoneAt === undefined ? {} : { wrappingKeysGoneAt: isoSeconds(wrappingKeysGoneAt) }),
    finalFrom: isoSeconds(final),
    notCovered: notCovered(facts),
  };
}

/** @returns Canonical JSON (RFC 8785), and its SHA-256 in lowercase hexadecimal. */
export function encodeDestruction(certificate: DestructionCertificate) {
  const document = canonicalJson(certificate);
  return { document, digest: hash("sha256", document) };
}
