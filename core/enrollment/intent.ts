/**
 * Room: core/enrollment. From an intent on record to an issued certificate. One signer at a time holds an
 * intent by its lease; the last write is conditioned on the intent's version, so of two signers one result
 * is kept and the other never leaves this process.
 */

import { auditEntry } from "../audit/entry.ts";
import { clockSkewMilliseconds } from "../clock-skew.ts";
import { AppError, isAppError } from "../errors.ts";
import { authorityAlgorithms } from "../formats/algorithms.ts";
import { verifySignature } from "../formats/signature.ts";
import { decodeSubjectPublicKey } from "../formats/spki.ts";
import { encodeCertificate } from "../formats/x509/certificate.ts";
import type { App, KeylessApp } from "../ports.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateKey,
  certificateRecord,
  type Stored,
} from "../records/certificate-record.ts";

/**
 * Longer than a signature takes, retries of the key service included. A signer that outlives its lease costs
 * a second signature, never a second certificate.
 */
export const leaseMilliseconds = 10_000;
/** How long a second caller waits for the first one's result: it outlasts a lease that a crash left behind. */
const patienceMilliseconds = 12_000;
const firstPause = 5;
const longestPause = 250;

/**
 * The certificate or intent of `serialNumber` (lowercase hexadecimal), undefined when there is none.
 * @throws AppError store_unavailable, store_limit_exceeded (a key that no item can have), internal (damaged).
 */
export async function findCertificate(
  app: KeylessApp,
  fleet: string,
  serialNumber: string,
): Promise<Stored<CertificateRecord> | undefined> {
  const item = await app.items.get(certificateKey(fleet, serialNumber));
  return item === undefined ? undefined : certificateRecord(item);
}

async function signIntent(app: App, record: CertificateRecord): Promise<Uint8Array> {
  const { tbs, keyId } = record;
  if (tbs === undefined) throw new AppError("internal", `intent ${record.serialNumber} has no TBS`);
  const row = authorityAlgorithms[record.algorithm].signature;
  const [key, signature] = await Promise.all([app.keys.describeKey(keyId), app.keys.sign(keyId, tbs)]);
  const issuer = app.memo.get(`key:${keyId}`, () => decodeSubjectPublicKey(key.publicKey));
  // A fault in the key service must not become a certificate that no one can verify.
  if (!(await verifySignature(row, tbs, issuer.keyObject, signature))) {
    throw new AppError(
      "signature_invalid",
      `the key service's signature for ${record.serialNumber} does not verify`,
    );
  }
  return encodeCertificate(tbs, row, signature);
}

function issued(
  app: App,
  { tbs: _, ...record }: CertificateRecord,
  certificate: Uint8Array,
): CertificateRecord {
  return { ...record, state: "issued", leaseUntil: 0, certificate, issuedAt: app.clock.now() };
}

/** After a failure the next attempt need not wait for the lease; failing here only costs that wait. */
async function releaseLease(app: App, intent: Stored<CertificateRecord>): Promise<void> {
  try {
    const released = certificateItem({ ...intent.value, leaseUntil: 0 });
    await app.items.transact([{ put: released, when: intent.version }]);
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    app.log.warn("lease_not_released", { serialNumber: intent.value.serialNumber, code });
  }
}

/**
 * Signs the intent, verifies the signature, records the certificate and its audit entry in one transaction.
 * The caller holds the lease. When another signer was faster, its result is returned.
 * @throws AppError key_service_unavailable, signature_invalid, store_unavailable, issuance_in_progress.
 */
export async function completeIntent(
  app: App,
  intent: Stored<CertificateRecord>,
): Promise<CertificateRecord> {
  let certificate: Uint8Array;
  try {
    certificate = await signIntent(app, intent.value);
  } catch (error) {
    await releaseLease(app, intent);
    throw error;
  }
  const record = issued(app, intent.value, certificate);
  try {
    await app.items.transact([
      { put: certificateItem(record), when: intent.version },
      auditEntry(app, {
        fleet: record.fleet,
        action: "certificate.issued",
        actor: record.credential,
        subject: record.serialNumber,
        result: "success",
      }),
    ]);
  } catch (error) {
    if (isAppError(error, "store_condition_failed"))
      return awaitIssued(app, record.fleet, record.serialNumber);
    // If the write was kept after all, the intent has another version and this changes nothing.
    await releaseLease(app, intent);
    throw error;
  }
  return record;
}

/** Takes over an intent whose lease has run out; undefined when another signer was faster. */
export async function takeOver(
  app: App,
  intent: Stored<CertificateRecord>,
): Promise<Stored<CertificateRecord> | undefined> {
  const value = { ...intent.value, leaseUntil: app.clock.now() + leaseMilliseconds };
  try {
    await app.items.transact([{ put: certificateItem(value), when: intent.version }]);
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return undefined;
    throw error;
  }
  return { value, version: intent.version + 1 };
}

/**
 * True when no signer holds the intent at this time. A lease that ends much later than one taken now was written
 * by a clock that ran ahead: nobody waits for that clock.
 */
export function isOrphan(app: App, record: CertificateRecord): boolean {
  const now = app.clock.now();
  const farthest = now + leaseMilliseconds + clockSkewMilliseconds;
  return record.state === "intended" && (record.leaseUntil <= now || record.leaseUntil > farthest);
}

/**
 * The issued certificate of a recorded request: waits for its signer, or finishes in its place.
 * @throws AppError issuance_in_progress (Retry-After) when the signer outlasts our patience; issuance_closed.
 */
export async function awaitIssued(app: App, fleet: string, serialNumber: string): Promise<CertificateRecord> {
  const deadline = app.clock.now() + patienceMilliseconds;
  for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
    const stored = await findCertificate(app, fleet, serialNumber);
    if (stored === undefined)
      throw new AppError("internal", `request names certificate ${serialNumber}, unknown here`);
    if (stored.value.state === "closed") {
      throw new AppError(
        "issuance_closed",
        "this request was closed unfinished; make a new one, with a new enrolment token or a new key",
      );
    }
    if (stored.value.state !== "intended") return stored.value;
    const intent = isOrphan(app, stored.value) ? await takeOver(app, stored) : undefined;
    if (intent !== undefined) return completeIntent(app, intent);
    if (app.clock.now() >= deadline) {
      throw new AppError("issuance_in_progress", "the certificate is being signed; repeat the same request", {
        retryAfter: 2,
      });
    }
    await app.clock.sleep(pause);
  }
}
