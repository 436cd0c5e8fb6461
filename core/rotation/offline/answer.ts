/**
 * Room: core/rotation. What the machine without a network brings back: the very request, what it signed, and the word
 * of each person who was there.
 */
import { hash } from "node:crypto";
import { base64Text, invalid, Members, parseDocument } from "./members.ts";
import { decodeRequest, type OfflineRequest } from "./request.ts";

export const answerType = "fleetkey-ceremony-answer";

export interface OfflineAnswer {
  readonly version: 1;
  readonly type: typeof answerType;
  readonly request: OfflineRequest;
  /** PKCS #10 request of a new root's key: base64 of DER, as all octets here. Present for purpose `root` alone. */
  readonly csr?: string;
  /** In the order of the request. */
  readonly certificates: readonly string[];
  readonly lists: readonly string[];
  /** A JWS of each participant, over the digests of request and answer. */
  readonly transcript: readonly string[];
}

const maximumParticipants = 10;
const jws = /^[A-Za-z0-9_-]{1,8000}\.[A-Za-z0-9_-]{1,2000}\.[A-Za-z0-9_-]{1,8000}$/;

function jwsOf(value: unknown): string {
  if (typeof value === "string" && jws.test(value)) return value;
  throw invalid("an entry of the transcript is no compact JWS");
}

const names = ["version", "type", "request", "csr", "certificates", "lists", "transcript"];

/** An answer from a value of JSON. Nothing of it is to be believed yet. @throws AppError ceremony_invalid. */
export function decodeAnswer(value: unknown): OfflineAnswer {
  const members = new Members(value, "the answer", names);
  if (members.value("version") !== 1)
    throw invalid("the answer is not of version 1; use the fleetkey that made it");
  return {
    version: 1,
    type: members.word("type", [answerType]),
    request: decodeRequest(members.value("request")),
    ...(members.has("csr") ? { csr: members.base64("csr") } : {}),
    certificates: members.list("certificates", 4, (one) => base64Text(one, "a certificate of the answer")),
    lists: members.list("lists", 2, (one) => base64Text(one, "a list of the answer")),
    transcript: members.list("transcript", maximumParticipants, jwsOf),
  };
}

/** The one text of an answer. */
export const encodeAnswer = (answer: OfflineAnswer): string => JSON.stringify(decodeAnswer(answer));

/** SHA-256 of the answer without its transcript, 64 lowercase hexadecimal digits: what participants sign. */
export const answerDigest = (answer: OfflineAnswer): string =>
  hash("sha256", encodeAnswer({ ...answer, transcript: [] }));

/** From a file. @throws AppError ceremony_invalid. */
export const readAnswer = (text: string): OfflineAnswer => decodeAnswer(parseDocument(text, "the answer"));
