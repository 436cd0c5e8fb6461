/** Room: core/formats. ResponseData (RFC 6960 §4.2.1): the octets that a responder signs. */
import { DerCursor } from "../der/cursor.ts";
import { tag } from "../der/tag.ts";
import {
  encodeContext,
  encodeGeneralizedTimeElement,
  encodeOctetString,
  encodeSequence,
} from "../der/writer.ts";
import {
  constantExtension,
  decodedExtension,
  decodeExtensions,
  type Extension,
  encodeExtensions,
  extension,
} from "../x509/extension.ts";
import { checkExtensions, extendedRevoke, ocspNonce } from "./extensions.ts";
import { asOcsp, malformedOcsp } from "./malformed.ts";
import { decodeSingleResponse, encodeSingleResponse, type SingleResponse } from "./single-response.ts";

interface ResponseFields {
  readonly producedAt: number;
  /** One at least, in the order of the request. */
  readonly responses: readonly SingleResponse[];
  /** The request's own, octet for octet. */
  readonly nonce?: Uint8Array;
  /** RFC 6960 §4.4.8: "revoked" is also said of what was never issued; needed with `neverIssued`. */
  readonly extendedRevoke?: boolean;
}

export interface ResponseDataTemplate extends ResponseFields {
  /** SHA-1 of the responder's subjectPublicKey, the BIT STRING's content: the RFC leaves no other. */
  readonly responderKeyHash: Uint8Array;
}

/** A responder names itself by its key or by its name. */
export interface ResponseData extends ResponseFields {
  readonly extendedRevoke: boolean;
  readonly responderKeyHash?: Uint8Array;
  /** Whole DER of the Name. */
  readonly responderName?: Uint8Array;
}

const keyHashOctets = 20;

function checkKeyHash(keyHash: Uint8Array): Uint8Array {
  if (keyHash.length !== keyHashOctets)
    throw malformedOcsp(`responder's key hash of ${keyHash.length} octets; it has exactly ${keyHashOctets}`);
  return keyHash;
}

// RFC 6960 §4.4.8: never critical.
const revokesTheUnissued = constantExtension(extendedRevoke, true, false);

function responseExtensions(template: ResponseFields): readonly Uint8Array[] {
  const extensions: Extension[] = [];
  if (template.nonce !== undefined) extensions.push(extension(ocspNonce, template.nonce, false));
  if (template.extendedRevoke === true) extensions.push(revokesTheUnissued);
  return extensions.length === 0 ? [] : [encodeContext(1, encodeExtensions(extensions))];
}

/**
 * The DER of a version 1 ResponseData. All its times are GeneralizedTime, whatever the year.
 * @throws AppError ocsp_malformed: no response, a key hash that is not of 20 octets, a time that is no whole
 * second, a nonce that is not of 1 to 128 octets, a CertID that cannot be encoded.
 */
export function encodeResponseData(template: ResponseDataTemplate): Buffer {
  return asOcsp(() => {
    if (template.responses.length === 0) throw malformedOcsp("response is about no certificate");
    return encodeSequence(
      encodeContext(2, encodeOctetString(checkKeyHash(template.responderKeyHash))),
      encodeGeneralizedTimeElement(template.producedAt),
      encodeSequence(...template.responses.map(encodeSingleResponse)),
      ...responseExtensions(template),
    );
  });
}

function decodeResponder(fields: DerCursor): Pick<ResponseData, "responderKeyHash" | "responderName"> {
  const byName = fields.optionalContext(1);
  if (byName !== undefined) {
    const { tag: kind, raw } = byName.element();
    byName.done();
    if (kind !== tag.sequence) throw malformedOcsp("responder's name is not a SEQUENCE");
    return { responderName: raw };
  }
  const byKey = fields.optionalContext(2);
  if (byKey === undefined) throw malformedOcsp("responder is named neither by name nor by key");
  const responderKeyHash = checkKeyHash(byKey.octetString());
  byKey.done();
  return { responderKeyHash };
}

function decodeResponses(list: DerCursor): readonly SingleResponse[] {
  const responses: SingleResponse[] = [];
  do responses.push(decodeSingleResponse(list.sequence()));
  while (!list.atEnd);
  return responses;
}

function decodeResponseExtensions(fields: DerCursor): Pick<ResponseData, "nonce" | "extendedRevoke"> {
  const explicit = fields.optionalContext(1);
  if (explicit === undefined) return { extendedRevoke: false };
  const extensions = decodeExtensions(explicit);
  explicit.done();
  checkExtensions(extensions, ocspNonce, extendedRevoke);
  const nonce = decodedExtension({ extensions }, ocspNonce);
  const revokes = decodedExtension({ extensions }, extendedRevoke);
  return { extendedRevoke: revokes === true, ...(nonce === undefined ? {} : { nonce }) };
}

/** Reads a ResponseData already proved to be DER. @throws AppError ocsp_malformed, der_malformed. */
export function readResponseData(raw: Uint8Array): ResponseData {
  const fields = DerCursor.inSequence(raw);
  // X.690 §11.5: version 1, the only one, is the default and left out.
  if (fields.optionalContext(0) !== undefined)
    throw malformedOcsp("response names a version; version 1 is left out, and there is no other");
  const responder = decodeResponder(fields);
  const producedAt = fields.generalizedTime();
  const responses = decodeResponses(fields.sequence());
  const extensions = decodeResponseExtensions(fields);
  fields.done();
  return { ...responder, producedAt, responses, ...extensions };
}
