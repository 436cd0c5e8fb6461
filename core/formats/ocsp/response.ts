/** Room: core/formats. OCSPResponse (RFC 6960 §4.2.1): a refusal of one octet, or a signed BasicOCSPResponse. */
import { type SignatureAlgorithm, signatureAlgorithmOf } from "../algorithms.ts";
import { DerCursor } from "../der/cursor.ts";
import { checkDer } from "../der/structure.ts";
import { tag } from "../der/tag.ts";
import {
  encodeBitString,
  encodeContext,
  encodeElement,
  encodeOctetString,
  encodeOidElement,
  encodeSequence,
} from "../der/writer.ts";
import { verifySignature } from "../signature.ts";
import type { SubjectPublicKey } from "../spki.ts";
import { readAlgorithmIdentifier } from "../x509/tbs-certificate.ts";
import { asOcsp, malformedOcsp } from "./malformed.ts";
import { type ResponseData, readResponseData } from "./response-data.ts";

export { encodeResponseData, type ResponseDataTemplate } from "./response-data.ts";
export { type CertStatus, neverIssued, type SingleResponse } from "./single-response.ts";

/** RFC 6960 §4.2.1. 4 is not used. */
export const ocspResponseStatus = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const;

export type OcspResponseStatus = (typeof ocspResponseStatus)[keyof typeof ocspResponseStatus];
export type OcspErrorStatus = Exclude<OcspResponseStatus, 0>;

export interface BasicOcspResponse extends ResponseData {
  readonly status: 0;
  /** The octets that are signed; this and the other octet fields are views of the input. */
  readonly tbsRaw: Uint8Array;
  /** Whole AlgorithmIdentifier. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signatureValue: Uint8Array;
  /** Whole DER each, not read: the responder's own certificate, and what leads to it. */
  readonly certificates: readonly Uint8Array[];
}

export type DecodedOcspResponse = BasicOcspResponse | { readonly status: OcspErrorStatus };

/** id-pkix-ocsp-basic, the one response type that all clients read. */
export const basicResponseType = "1.3.6.1.5.5.7.48.1.1";

const encodeStatus = (status: OcspResponseStatus): Buffer =>
  encodeElement(tag.enumerated, Uint8Array.of(status));

/** An unsigned refusal; RFC 6960 §2.3 signs none. */
export function encodeOcspError(status: OcspErrorStatus): Buffer {
  return encodeSequence(encodeStatus(status));
}

/**
 * The whole OCSPResponse, of `encodeResponseData`'s octets and the signature over them.
 * `certificates` are whole DER, the responder's own first; none leaves the field out.
 */
export function encodeBasicResponse(
  responseData: Uint8Array,
  row: SignatureAlgorithm,
  signature: Uint8Array,
  certificates: readonly Uint8Array[],
): Buffer {
  const basic = encodeSequence(
    responseData,
    row.identifier,
    encodeBitString(signature),
    ...(certificates.length === 0 ? [] : [encodeContext(0, encodeSequence(...certificates))]),
  );
  const bytes = encodeSequence(encodeOidElement(basicResponseType), encodeOctetString(basic));
  return encodeSequence(encodeStatus(ocspResponseStatus.successful), encodeContext(0, bytes));
}

const statuses: readonly OcspResponseStatus[] = Object.values(ocspResponseStatus);

function decodeStatus(fields: DerCursor): OcspResponseStatus {
  const { tag: kind, content } = fields.element();
  const status = statuses.find((each) => each === content[0]);
  if (kind !== tag.enumerated || content.length !== 1 || status === undefined)
    throw malformedOcsp("response status is none of 0 to 3, 5 and 6");
  return status;
}

function decodeCertificates(fields: DerCursor): readonly Uint8Array[] {
  const explicit = fields.optionalContext(0);
  const list = explicit?.sequence();
  explicit?.done();
  const certificates: Uint8Array[] = [];
  while (list?.atEnd === false) {
    const { tag: kind, raw } = list.element();
    if (kind !== tag.sequence) throw malformedOcsp("certificate of a response is not a SEQUENCE");
    certificates.push(raw);
  }
  return certificates;
}

function decodeBasic(raw: Uint8Array): BasicOcspResponse {
  // The outer checkDer saw an OCTET STRING only.
  checkDer(raw);
  const fields = DerCursor.inSequence(raw);
  const tbsRaw = fields.element().raw;
  const signatureAlgorithm = readAlgorithmIdentifier(fields);
  const signatureValue = fields.bitString();
  const certificates = decodeCertificates(fields);
  fields.done();
  const data = readResponseData(tbsRaw);
  return { status: 0, ...data, tbsRaw, signatureAlgorithm, signatureValue, certificates };
}

function decodeResponseBytes(explicit: DerCursor): BasicOcspResponse {
  const bytes = explicit.sequence();
  explicit.done();
  const type = bytes.oid();
  if (type !== basicResponseType) throw malformedOcsp(`response type ${type} is not supported`);
  const basic = decodeBasic(bytes.octetString());
  bytes.done();
  return basic;
}

/**
 * Reads a response of at most 65,536 octets. Nothing is verified, neither who signed it nor its times.
 * @throws AppError ocsp_malformed: not DER, a success without a response or a refusal with one (§4.2.1), another
 * type than basic, a repeated extension, a critical one that is not understood.
 */
export function decodeOcspResponse(raw: Uint8Array): DecodedOcspResponse {
  return asOcsp(() => {
    checkDer(raw);
    const fields = DerCursor.inSequence(raw);
    const status = decodeStatus(fields);
    const explicit = fields.optionalContext(0);
    fields.done();
    if (status === ocspResponseStatus.successful && explicit !== undefined)
      return decodeResponseBytes(explicit);
    if (status === ocspResponseStatus.successful || explicit !== undefined)
      throw malformedOcsp(`response of status ${status} has ${explicit === undefined ? "no" : "an"} answer`);
    return { status };
  });
}

/**
 * True when `key` signed the response, under the algorithm that it names and that is of this kind of key. That
 * the key may answer for the issuer (RFC 6960 §4.2.2.2) is for the caller to see.
 */
export async function verifyBasicResponseSignature(
  response: BasicOcspResponse,
  key: SubjectPublicKey,
): Promise<boolean> {
  const row = signatureAlgorithmOf(response.signatureAlgorithm);
  if (row === undefined) return false;
  return await verifySignature(row, response.tbsRaw, key.keyObject, response.signatureValue);
}
