/**
 * Room: core/rotation. What was issued for a server and is not known to be held: its key is gone with the task that made
 * it. Either the service has it, and it counts; or nobody has its key, and it is revoked.
 */
import { auditEntry } from "../audit/entry.ts";
import { awaitIssued } from "../enrollment/intent.ts";
import { isAppError } from "../errors.ts";
import type { ServerApp } from "../ports.ts";
import type { ServerCertificateRecord, ServerGeneration } from "../records/server-certificate-record.ts";
import type { RevocationReason } from "../revocation/reason.ts";
import { revoke } from "../revocation/revoke.ts";
import { profiles } from "../standard/profiles.ts";
import { type StoredServerCertificate, writeServerCertificate } from "./server-lease.ts";

/** Of the record's credential in certificates: tells those that were issued for it. */
export const serverCredential = ({ recordId }: Pick<ServerCertificateRecord, "recordId">): string =>
  `server-certificate:${recordId}`;

/** Nothing changes for one that is revoked already, nor for an intent that was closed and became no certificate. */
export async function revokeServerCertificate(
  app: ServerApp,
  record: ServerCertificateRecord,
  serialNumber: string,
  reason: RevocationReason,
): Promise<void> {
  const request = { fleet: record.fleet, serialNumber, actor: "system", reason } as const;
  try {
    await revoke(app, request);
  } catch (error) {
    if (!isAppError(error, "already_revoked") && !isAppError(error, "not_found")) throw error;
  }
}

/** When the next generation is due. */
export function renewAt({ notBefore, notAfter }: ServerGeneration): number {
  return notBefore + Math.floor((notAfter - notBefore) * profiles.server.renewAfterFraction);
}

const sameNames = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((each) => right.includes(each));

/**
 * `held` is in its place: the end of every renewal. People are told when that place is a new one.
 * @throws AppError store_condition_failed.
 */
export async function recordHeld(
  app: ServerApp,
  stored: StoredServerCertificate,
  held: ServerGeneration,
  certificateId: string,
): Promise<StoredServerCertificate> {
  const { fleet, name, state, dnsNames, generation } = stored.value;
  const moved = generation > 0 && certificateId !== stored.value.certificateId;
  if (moved)
    await app.notifier.notify({
      event: "server-certificate.moved",
      severity: "critical",
      fleet,
      subject: name,
    });
  const wanted = state === "requested" || state === "current";
  const isCurrent = wanted && sameNames(held.dnsNames, dnsNames);
  const entry = auditEntry(app, {
    fleet,
    action: "server-certificate.imported",
    actor: "system",
    subject: held.serialNumber,
    result: "success",
  });
  const change = {
    certificateId,
    current: held,
    generation: held.generation,
    pending: undefined,
    mayReplace: undefined,
    lastFailure: undefined,
    failures: 0,
    state: isCurrent ? "current" : state,
    nextAt: isCurrent ? renewAt(held) : app.clock.now(),
    leaseUntil: 0,
  } as const;
  return writeServerCertificate(app, stored, change, [entry]);
}

/** Its key is nowhere, or in a place that nobody uses. */
async function abandon(
  app: ServerApp,
  stored: StoredServerCertificate,
  pending: ServerGeneration,
): Promise<StoredServerCertificate> {
  const { fleet } = stored.value;
  try {
    await awaitIssued(app, fleet, pending.serialNumber);
    await revokeServerCertificate(app, stored.value, pending.serialNumber, "superseded");
  } catch (error) {
    // An intent that was closed became no certificate.
    if (!isAppError(error, "issuance_closed")) throw error;
  }
  return writeServerCertificate(app, stored, { pending: undefined });
}

/**
 * The record without anything pending. The caller holds the lease; where the certificate counts, it is given back.
 * @throws AppError certificate_manager_unavailable, issuance_in_progress, store_condition_failed.
 */
export async function settlePending(
  app: ServerApp,
  stored: StoredServerCertificate,
): Promise<StoredServerCertificate> {
  const { pending, certificateId } = stored.value;
  if (pending === undefined) return stored;
  const held = certificateId === undefined ? undefined : await app.certificates.describe(certificateId);
  if (certificateId === undefined || held?.serialNumber !== pending.serialNumber)
    return abandon(app, stored, pending);
  return recordHeld(app, stored, pending, certificateId);
}
