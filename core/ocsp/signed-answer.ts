/** Room: core/ocsp. An answer is signed by the responder, proved to verify, and kept where it may be given again. */
import { clockSkewMilliseconds } from "../clock-skew.ts";
import { AppError, isAppError } from "../errors.ts";
import { type CertStatus, encodeBasicResponse, encodeResponseData } from "../formats/ocsp/response.ts";
import { verifySignature } from "../formats/signature.ts";
import type { App } from "../ports.ts";
import { ocspAnswerItem } from "../records/ocsp-answer-record.ts";
import { publicationSchedules } from "../standard/revocation.ts";
import type { Responder } from "./directory.ts";
import { assertResponderInUse } from "./responder-key.ts";
import { formOf, type KnownStatus, statusText } from "./status.ts";

const { validSeconds, refreshSeconds } = publicationSchedules.ocspAnswer;

export interface SignedAnswer {
  /** OCSPResponse, DER. */
  readonly body: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

async function sign(app: App, { record, signature: row, publicKey }: Responder, data: Uint8Array) {
  const signature = await app.keys.sign(record.keyId, data);
  // A fault in the key service must not become an answer that no one can verify.
  if (await verifySignature(row, data, publicKey.keyObject, signature)) return signature;
  throw new AppError(
    "signature_invalid",
    `the key service's signature for responder certificate ${record.serialNumber} does not verify`,
  );
}

/** No time of revocation lies after `thisUpdate`, whatever clock wrote it. */
function saidBy(thisUpdate: number, status: CertStatus): CertStatus {
  if (status.kind !== "revoked") return status;
  return { ...status, revocationTime: Math.min(status.revocationTime, thisUpdate) };
}

/**
 * One answer about all of `known`, true now.
 * @throws AppError key_overdue, key_service_unavailable, key_not_found, signature_invalid.
 */
export async function signAnswer(
  app: App,
  responder: Responder,
  known: readonly KnownStatus[],
  nonce?: Uint8Array,
): Promise<SignedAnswer> {
  assertResponderInUse(responder.key, app.clock.now());
  const thisUpdate = Math.floor(app.clock.now() / 1000) * 1000;
  // Whoever reads it must find the responder's certificate in force.
  const nextUpdate = Math.min(thisUpdate + validSeconds * 1000, responder.record.notAfter);
  const data = encodeResponseData({
    responderKeyHash: responder.keyHash,
    producedAt: thisUpdate,
    responses: known.map(({ certId, status }) => ({
      certId,
      status: saidBy(thisUpdate, status),
      thisUpdate,
      nextUpdate,
    })),
    ...(nonce === undefined ? {} : { nonce }),
  });
  const signature = await sign(app, responder, data);
  const body = encodeBasicResponse(data, responder.signature, signature, [responder.record.certificate]);
  return { body, thisUpdate, nextUpdate };
}

/** What was kept for this CertID, if it still says the truth, by the present responder, and is young enough. */
export function keptAnswer(
  app: App,
  { record }: Responder,
  { status, kept }: KnownStatus,
): Omit<SignedAnswer, "thisUpdate"> | undefined {
  if (kept === undefined) return undefined;
  const { body, nextUpdate, refreshAt, responderSerial, status: said } = kept.value;
  const now = app.clock.now();
  const holds = said === statusText(status) && responderSerial === record.serialNumber;
  // A clock that ran ahead made it for a time that has not come.
  const isPresent = nextUpdate <= now + validSeconds * 1000 + clockSkewMilliseconds;
  return holds && isPresent && now < refreshAt ? { body, nextUpdate } : undefined;
}

/** Keeps `answer` about one certificate. Nothing is lost when that fails: the next question is signed again. */
export async function keepAnswer(
  app: App,
  { record: { fleet, serialNumber: responderSerial } }: Responder,
  { certId, status, kept }: KnownStatus,
  { body, thisUpdate, nextUpdate }: SignedAnswer,
): Promise<void> {
  const life = nextUpdate - thisUpdate;
  const item = ocspAnswerItem({
    fleet,
    serialNumber: certId.serialNumber,
    form: formOf(certId),
    status: statusText(status),
    responderSerial,
    body,
    nextUpdate,
    refreshAt: thisUpdate + Math.floor((life * refreshSeconds) / validSeconds),
  });
  try {
    await app.items.transact([{ put: item, when: kept?.version ?? "absent" }]);
  } catch (error) {
    if (!isAppError(error)) throw error;
    // Another instance has kept its own, or the store is busy.
    if (error.code !== "store_condition_failed")
      app.log.warn("ocsp_answer_not_kept", { fleet, code: error.code });
  }
}
