/**
 * Room: core/formats. OCSPRequest (RFC 6960 §4.1.1). A signature is read for its form and not verified, as RFC
 * 9919 §3.1.2 lets responders do: clients may sign, we ask nobody to, and who asks changes no answer.
 */
import { DerCursor } from "../der/cursor.ts";
import { checkDer } from "../der/structure.ts";
import { encodeContext, encodeSequence } from "../der/writer.ts";
import {
  decodedExtension,
  decodeExtensions,
  type Extension,
  encodeExtensions,
  extension,
} from "../x509/extension.ts";
import { readAlgorithmIdentifier } from "../x509/tbs-certificate.ts";
import { type CertId, decodeCertId, encodeCertId } from "./cert-id.ts";
import { acceptableResponses, checkExtensions, ocspNonce } from "./extensions.ts";
import { asOcsp, malformedOcsp } from "./malformed.ts";

export interface OcspRequest {
  /** 1 to 16. */
  readonly certIds: readonly CertId[];
  /** 1 to 128 octets (RFC 9654 §2.1). */
  readonly nonce?: Uint8Array;
  /** OIDs of the response types that the client reads; all readers know basic (RFC 6960 §4.4.3). */
  readonly acceptableResponses?: readonly string[];
}

/** Each certificate costs the responder a read; clients ask about one (RFC 9919 §3.1.1), or about a chain. */
export const maxCertIds = 16;

/** Room for 16 CertIDs of SHA-256 and a nonce, or for one and a signature with its certificate. */
export const maxRequestOctets = 4096;

const limits = { maxBytes: maxRequestOctets, maxDepth: 16, maxElements: 1024 };

function checkCount(count: number): void {
  if (count < 1 || count > maxCertIds)
    throw malformedOcsp(`request is about ${count} certificates: 1 to ${maxCertIds} are allowed`);
}

/** The extensions of EXPLICIT `[number]`, none when it is absent. */
function readExtensions(fields: DerCursor, number: number): readonly Extension[] {
  const explicit = fields.optionalContext(number);
  if (explicit === undefined) return [];
  const extensions = decodeExtensions(explicit);
  explicit.done();
  return extensions;
}

function decodeSingleRequest(fields: DerCursor): CertId {
  const certId = decodeCertId(fields);
  // The one that RFC 6960 knows (§4.4.6, serviceLocator) is for responders that route to others.
  checkExtensions(readExtensions(fields, 0));
  fields.done();
  return certId;
}

function decodeCertIds(list: DerCursor): readonly CertId[] {
  const certIds: CertId[] = [];
  do {
    checkCount(certIds.length + 1);
    certIds.push(decodeSingleRequest(list.sequence()));
  } while (!list.atEnd);
  return certIds;
}

/** RFC 9919 §3.1.2: the requestor's name is as if absent. One element of any form. */
function skipRequestorName(fields: DerCursor): void {
  const explicit = fields.optionalContext(1);
  explicit?.element();
  explicit?.done();
}

function decodeTbsRequest(fields: DerCursor): OcspRequest {
  // X.690 §11.5: version 1, the only one, is the default and left out.
  if (fields.optionalContext(0) !== undefined)
    throw malformedOcsp("request names a version; version 1 is left out, and there is no other");
  skipRequestorName(fields);
  const certIds = decodeCertIds(fields.sequence());
  const extensions = readExtensions(fields, 2);
  fields.done();
  checkExtensions(extensions, ocspNonce, acceptableResponses);
  const nonce = decodedExtension({ extensions }, ocspNonce);
  const types = decodedExtension({ extensions }, acceptableResponses);
  return {
    certIds,
    ...(nonce === undefined ? {} : { nonce }),
    ...(types === undefined ? {} : { acceptableResponses: types }),
  };
}

/** Signature (RFC 6960 §4.1.1): its form alone. */
function skipSignature(fields: DerCursor): void {
  const explicit = fields.optionalContext(0);
  if (explicit === undefined) return;
  const signature = explicit.sequence();
  explicit.done();
  readAlgorithmIdentifier(signature);
  signature.bitString();
  const certificates = signature.optionalContext(0)?.sequence();
  while (certificates?.atEnd === false) certificates.sequence();
  signature.done();
}

/**
 * Reads a request of at most 4,096 octets about 1 to 16 certificates. Signed ones are read as if they were not.
 * @throws AppError ocsp_malformed: beyond a limit, not DER, another hash than SHA-1 and SHA-256, a nonce that is
 * not of 1 to 128 octets, a repeated extension, a critical one that is not understood.
 */
export function decodeOcspRequest(raw: Uint8Array): OcspRequest {
  return asOcsp(() => {
    checkDer(raw, limits);
    const fields = DerCursor.inSequence(raw);
    const request = decodeTbsRequest(fields.sequence());
    skipSignature(fields);
    fields.done();
    return request;
  });
}

function requestExtensions(request: OcspRequest): readonly Uint8Array[] {
  const extensions: Extension[] = [];
  if (request.nonce !== undefined) extensions.push(extension(ocspNonce, request.nonce, false));
  if (request.acceptableResponses !== undefined)
    extensions.push(extension(acceptableResponses, request.acceptableResponses, false));
  return extensions.length === 0 ? [] : [encodeContext(2, encodeExtensions(extensions))];
}

/** An unsigned request. @throws AppError ocsp_malformed: what `decodeOcspRequest` would refuse. */
export function encodeOcspRequest(request: OcspRequest): Buffer {
  return asOcsp(() => {
    checkCount(request.certIds.length);
    const list = encodeSequence(...request.certIds.map((certId) => encodeSequence(encodeCertId(certId))));
    return encodeSequence(encodeSequence(list, ...requestExtensions(request)));
  });
}
