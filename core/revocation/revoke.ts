/**
 * Room: core/revocation. Takes trust back from one certificate. The status counts at once for every call to
 * this service; lists for others are published from it.
 */
import { auditEntry } from "../audit/entry.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import { type CertificateRecord, certificateItem, type Stored } from "../records/certificate-record.ts";
import { limits } from "../standard/limits.ts";
import type { RevocationReason } from "./reason.ts";

export interface RevocationRequest {
  readonly fleet: string;
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  /** Who asks, as the audit log names it: `operator:…`. */
  readonly actor: string;
  readonly reason: RevocationReason;
}

export interface Revocation {
  readonly serialNumber: string;
  readonly status: "revoked";
  /** ISO 8601, UTC. */
  readonly revokedAt: string;
  readonly reason: string;
}

/** Every renewal writes to the certificate's record: whoever holds the key cannot outlast this many. */
const writeAttempts = limits.renewalsPerCertificate.value + 2;

function assertRevocable(record: CertificateRecord, request: RevocationRequest): void {
  if (record.subjectKind === "authority") {
    throw new AppError(
      "access_denied",
      "an authority is revoked by its rotation, not as a single certificate",
    );
  }
  if (record.state === "revoked" && record.revocationReason !== request.reason) {
    throw new AppError(
      "already_revoked",
      `certificate ${record.serialNumber} is revoked with reason ${record.revocationReason ?? "unspecified"}`,
    );
  }
}

async function writeRevocation(
  app: KeylessApp,
  stored: Stored<CertificateRecord>,
  request: RevocationRequest,
) {
  const { fleet, serialNumber, reason, actor } = request;
  const record: CertificateRecord = {
    ...stored.value,
    state: "revoked",
    revokedAt: app.clock.now(),
    revocationReason: reason,
    revokedBy: actor,
  };
  await app.items.transact([
    { put: certificateItem(record), when: stored.version },
    auditEntry(app, {
      fleet,
      action: "certificate.revoked",
      actor,
      subject: serialNumber,
      result: "success",
      reason,
    }),
  ]);
  return record;
}

function revocation(record: CertificateRecord): Revocation {
  return {
    serialNumber: record.serialNumber,
    status: "revoked",
    revokedAt: isoSeconds(record.revokedAt ?? record.createdAt),
    reason: record.revocationReason ?? "unspecified",
  };
}

/**
 * Repeating a revocation with the same reason gives the same answer.
 * @throws AppError not_found, already_revoked (with another reason), access_denied (an authority),
 * store_unavailable.
 */
export async function revoke(app: KeylessApp, request: RevocationRequest): Promise<Revocation> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await findCertificate(app, request.fleet, request.serialNumber);
    if (stored === undefined || stored.value.certificate === undefined) {
      throw new AppError(
        "not_found",
        `there is no certificate ${request.serialNumber} in fleet "${request.fleet}"`,
      );
    }
    assertRevocable(stored.value, request);
    if (stored.value.state === "revoked") return revocation(stored.value);
    try {
      return revocation(await writeRevocation(app, stored, request));
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === writeAttempts) throw error;
    }
  }
}
