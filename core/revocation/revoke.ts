/**
 * Room: core/revocation. Takes trust back from one certificate, for good or until it is released. The status counts
 * at once for every call to this service; lists for others are published from what is written here.
 */
import { isoSeconds } from "../enrollment/answer.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, RevocationApp } from "../ports.ts";
import type { CertificateRecord, Stored } from "../records/certificate-record.ts";
import { limits } from "../standard/limits.ts";
import { earlierEntry, isHeld, releaseChange, revocationChange, type StatusChange } from "./entries.ts";
import { type HoldReason, holdReason, type RevocationReason } from "./reason.ts";
import { wake } from "./wake.ts";

export interface CertificateName {
  readonly fleet: string;
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
}

export interface RevocationRequest extends CertificateName {
  /** Who asks, as the audit log names it: `operator:…`. */
  readonly actor: string;
  readonly reason: RevocationReason | HoldReason;
}

export interface Revocation {
  readonly serialNumber: string;
  /** held: until it is released, or revoked for good. */
  readonly status: "revoked" | "held";
  /** ISO 8601, UTC. Of a hold that became final: when the hold began. */
  readonly revokedAt: string;
  readonly reason: string;
}

export interface Release {
  readonly serialNumber: string;
  readonly status: "active" | "expired";
}

/** A renewal, a hold and a publication write where a revocation does: none of them can keep it waiting for longer. */
const writeAttempts = limits.renewalsPerCertificate.value + 12;

export function noCertificate({ fleet, serialNumber }: CertificateName): AppError {
  return new AppError("not_found", `there is no certificate ${serialNumber} in fleet "${fleet}"`);
}

/** @throws AppError not_found: an intent is no certificate yet. */
async function getCertificate(app: KeylessApp, name: CertificateName): Promise<Stored<CertificateRecord>> {
  const stored = await findCertificate(app, name.fleet, name.serialNumber);
  if (stored?.value.certificate === undefined) throw noCertificate(name);
  return stored;
}

function assertRevocable({ subjectKind }: CertificateRecord): void {
  if (subjectKind === "authority") {
    throw new AppError(
      "access_denied",
      "an authority is revoked by its rotation, not as a single certificate",
    );
  }
  if (subjectKind === "service") {
    throw new AppError(
      "access_denied",
      "a certificate of the service itself is replaced by the service, not revoked; rotate its key",
    );
  }
}

/** True when the record says already what is asked for. @throws AppError already_revoked: final is final. */
function isDone(record: CertificateRecord, reason: string): boolean {
  if (record.state !== "revoked") return false;
  const { serialNumber, revocationReason = "unspecified" } = record;
  if (revocationReason === reason) return true;
  if (isHeld(record)) return false;
  throw new AppError(
    "already_revoked",
    `certificate ${serialNumber} is revoked with reason ${revocationReason}`,
  );
}

/** Writes what `decide` makes of the certificate as it is, until nobody is faster. */
async function change(
  app: KeylessApp,
  name: CertificateName,
  decide: (stored: Stored<CertificateRecord>) => Promise<StatusChange | undefined>,
): Promise<{ readonly record: CertificateRecord; readonly changed: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await getCertificate(app, name);
    const next = await decide(stored);
    if (next === undefined) return { record: stored.value, changed: false };
    try {
      await app.items.transact(next.operations);
      return { record: next.record, changed: true };
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === writeAttempts) throw error;
    }
  }
}

/**
 * The record after it was revoked, and whether this call changed it. Asks nobody to publish.
 * @throws AppError as `revoke`.
 */
export async function writeRevocation(app: KeylessApp, request: RevocationRequest) {
  const { actor, reason } = request;
  return await change(app, request, async (stored) => {
    assertRevocable(stored.value);
    if (isDone(stored.value, reason)) return undefined;
    const entry = await earlierEntry(app, stored.value);
    return revocationChange(app, stored, { actor, reason, entry });
  });
}

/** What is said of a record in state revoked. */
export function revocation(record: CertificateRecord): Revocation {
  return {
    serialNumber: record.serialNumber,
    status: isHeld(record) ? "held" : "revoked",
    revokedAt: isoSeconds(record.revokedAt ?? record.createdAt),
    reason: record.revocationReason ?? "unspecified",
  };
}

/**
 * Repeating a revocation with the same reason gives the same answer; what is on hold may be revoked for good. One that
 * has expired can be revoked too: lists name it as long as there is one for its window.
 * @throws AppError not_found, already_revoked (with another reason), access_denied (an authority's, the service's own),
 * store_condition_failed when others change it all the time, store_unavailable.
 */
export async function revoke(app: RevocationApp, request: RevocationRequest): Promise<Revocation> {
  const { record, changed } = await writeRevocation(app, request);
  if (changed) await wake(app, "publish");
  return revocation(record);
}

/**
 * Ends a hold: the certificate counts again at once, and lists leave it out from the next one on.
 * @throws AppError not_found, not_on_hold (never held, released already, or revoked for good), store_unavailable.
 */
export async function release(
  app: RevocationApp,
  request: CertificateName & { readonly actor: string },
): Promise<Release> {
  const { actor, serialNumber } = request;
  const { record } = await change(app, request, async (stored) => {
    if (!isHeld(stored.value)) {
      const text = `certificate ${serialNumber} is not on hold; only reason ${holdReason} can be taken back`;
      throw new AppError("not_on_hold", text);
    }
    return releaseChange(app, stored, { actor, entry: await earlierEntry(app, stored.value) });
  });
  await wake(app, "publish");
  return { serialNumber, status: record.notAfter < app.clock.now() ? "expired" : "active" };
}
