/**
 * Room: core/rotation. The transcript of an offline ceremony: each participant signs, with a key of their own, which
 * request they saw and what was made of it. Two at least, and no key twice, nor that of a root.
 */
import { createPublicKey, type JsonWebKey } from "node:crypto";
import { isAppError } from "../../errors.ts";
import { type AuthorityAlgorithm, authorityAlgorithms } from "../../formats/algorithms.ts";
import { jwkAlgorithm, jwkThumbprint, publicJwk } from "../../formats/jwk.ts";
import { assembleJws, type DecodedJws, decodeJws, jwsSigningInput, verifyJws } from "../../formats/jws.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../../formats/spki.ts";
import { answerDigest, type OfflineAnswer } from "./answer.ts";
import { invalid, Members, parseDocument, timeForm } from "./members.ts";
import { requestDigest } from "./request.ts";

/** RFC 8725 §3.11: one kind of JWS is never taken for another. */
const tokenType = "fleetkey-ceremony+jws";
export const leastParticipants = 2;

/** A key that signs where this code runs. */
export interface OfflineSigner {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** As KeyService.sign: the content of a signatureValue. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export interface Participation {
  /** RFC 7638 thumbprint of the participant's key. */
  readonly participant: string;
  /** By the clock of the machine without a network. */
  readonly time: string;
}

const digestForm = /^[0-9a-f]{64}$/;

function rowOf(key: SubjectPublicKey): AuthorityAlgorithm {
  const rows: readonly AuthorityAlgorithm[] = Object.values(authorityAlgorithms);
  const row = rows.find((each) => each.key.id === key.algorithm.id && each.modulusBits === key.modulusBits);
  if (row === undefined)
    throw invalid(`a participant's key is one of ${Object.keys(authorityAlgorithms).join(", ")}`);
  return row;
}

/** The participant's JWS over `answer` as it stands, its transcript left out. @throws AppError ceremony_invalid. */
export async function signTranscript(
  answer: OfflineAnswer,
  signer: OfflineSigner,
  time: string,
): Promise<string> {
  const key = decodeSubjectPublicKey(signer.publicKey);
  const row = rowOf(key);
  const header = { alg: jwkAlgorithm(row), typ: tokenType, jwk: publicJwk(key) };
  const payload = { request: requestDigest(answer.request), answer: answerDigest(answer), time };
  const input = jwsSigningInput(header, Buffer.from(JSON.stringify(payload)));
  return assembleJws(input, row, await signer.sign(input));
}

function headerKey({ header }: DecodedJws): SubjectPublicKey {
  if (header["typ"] !== tokenType) throw invalid(`a JWS of the transcript is not of type ${tokenType}`);
  let spki: Buffer;
  try {
    spki = createPublicKey({ key: header["jwk"] as JsonWebKey, format: "jwk" }).export({
      type: "spki",
      format: "der",
    });
  } catch (cause) {
    throw invalid("a JWS of the transcript names no key", { cause });
  }
  return decodeSubjectPublicKey(spki);
}

async function participationOf(text: string, answer: OfflineAnswer): Promise<Participation> {
  const jws = decodeJws(text);
  const key = headerKey(jws);
  if (!(await verifyJws(jws, key))) throw invalid("a signature of the transcript does not verify");
  const value = parseDocument(Buffer.from(jws.payload).toString("utf8"), "an entry of the transcript");
  const members = new Members(value, "an entry of the transcript", ["request", "answer", "time"]);
  if (members.text("request", digestForm) !== requestDigest(answer.request))
    throw invalid("a participant has signed for another request");
  if (members.text("answer", digestForm) !== answerDigest(answer))
    throw invalid("the answer is not what a participant has signed");
  return { participant: jwkThumbprint(publicJwk(key)), time: members.text("time", timeForm) };
}

async function participation(text: string, answer: OfflineAnswer): Promise<Participation> {
  try {
    return await participationOf(text, answer);
  } catch (error) {
    if (!isAppError(error) || error.code === "ceremony_invalid") throw error;
    throw invalid(`the transcript cannot be read: ${error.message}`, { cause: error });
  }
}

/**
 * Who took part, in the order of the transcript.
 * @param roots Keys that signed: none of them is a participant's.
 * @throws AppError ceremony_invalid: fewer than two, one twice, a root's own key, a signature that does not verify, or
 * one for another request or answer.
 */
export async function verifyTranscript(
  answer: OfflineAnswer,
  roots: readonly SubjectPublicKey[],
): Promise<readonly Participation[]> {
  const found: Participation[] = [];
  for (const text of answer.transcript) found.push(await participation(text, answer));
  const keys = new Set(found.map(({ participant }) => participant));
  if (keys.size < found.length)
    throw invalid("a participant has signed the transcript twice; each signs once");
  if (keys.size < leastParticipants)
    throw invalid(`the transcript has ${keys.size} participants, at least ${leastParticipants} are needed`);
  if (roots.some((root) => keys.has(jwkThumbprint(publicJwk(root)))))
    throw invalid("a root's own key has signed as a participant; take part with a key of your own");
  return found;
}
