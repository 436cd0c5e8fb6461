/**
 * Room: core/enrollment. One request, one certificate: of many calls with the same request one signs, and all
 * answer with its certificate, byte for byte.
 */
import { AppError, isAppError } from "../errors.ts";
import type { App } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { requestedSerialNumber, requestKey } from "../records/request-record.ts";
import { awaitIssued } from "./intent.ts";
import { type IssuanceRequest, PreparedIssuance } from "./issuance.ts";

/** A retry long after the answer must not install a certificate that nobody accepts any more. */
function assertInForce(app: App, record: CertificateRecord): CertificateRecord {
  const fate =
    record.state === "revoked"
      ? "was revoked"
      : record.notAfter < app.clock.now()
        ? "has expired"
        : undefined;
  if (fate === undefined) return record;
  throw new AppError("credential_spent", `the certificate of this request ${fate}; enrol with a new token`);
}

/**
 * The certificate that answers the request of this digest, or undefined when the request is new.
 * @throws AppError credential_spent: the answer was revoked or has expired; see also `awaitIssued`.
 */
export async function findAnswer(
  app: App,
  fleet: string,
  digest: string,
): Promise<CertificateRecord | undefined> {
  const item = await app.items.get(requestKey(fleet, digest));
  if (item === undefined) return undefined;
  return assertInForce(app, await awaitIssued(app, fleet, requestedSerialNumber(item)));
}

/**
 * The failure when a condition of `consume` did not hold, and not because of this very request. `failed` are
 * indexes among `consume`.
 */
export type Taken = (failed: readonly number[]) => AppError | Promise<AppError>;

/**
 * @throws AppError what `PreparedIssuance` throws, `taken`'s, issuance_in_progress, issuance_closed.
 */
export async function issueOnce(
  app: App,
  request: IssuanceRequest,
  taken: Taken,
): Promise<CertificateRecord> {
  let prepared: PreparedIssuance;
  try {
    prepared = await PreparedIssuance.prepare(app, request);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    const answer = await findAnswer(app, request.fleet, request.requestDigest);
    // Certificate and request come before what the caller gave.
    if (answer === undefined) throw await taken((error.failedOperations ?? []).map((index) => index - 2));
    return answer;
  }
  return prepared.sign(app);
}
