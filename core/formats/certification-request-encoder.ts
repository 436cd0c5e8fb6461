/**
 * Room: core/formats. Makes PKCS#10 requests (RFC 2986 §4) around a signature made elsewhere: encode the
 * info, sign it with the subject's own key, assemble.
 */
import type { SignatureAlgorithm } from "./algorithms.ts";
import {
  encodeBitString,
  encodeContext,
  encodeOidElement,
  encodeSequence,
  encodeSetOf,
  encodeSmallInteger,
} from "./der/writer.ts";
import { encodeName, type Name } from "./name.ts";
import { type Extension, encodeExtensions } from "./x509/extension.ts";

/** RFC 2985 §5.4.2. */
export const extensionRequestOid = "1.2.840.113549.1.9.14";

export interface CertificationRequestTemplate {
  readonly subject: Name;
  /** A whole SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** Requested extensions; with none the request carries an empty attribute set. */
  readonly extensions: readonly Extension[];
}

function encodeAttributes(extensions: readonly Extension[]): Buffer {
  // RFC 2986 §4.1: the attributes field is not optional, so an empty set is encoded.
  if (extensions.length === 0) return encodeContext(0);
  const values = encodeSetOf(encodeExtensions(extensions));
  return encodeContext(0, encodeSequence(encodeOidElement(extensionRequestOid), values));
}

/** CertificationRequestInfo, the octets that the subject's private key signs. */
export function encodeCertificationRequestInfo(template: CertificationRequestTemplate): Buffer {
  return encodeSequence(
    encodeSmallInteger(0),
    encodeName(template.subject),
    template.subjectPublicKeyInfo,
    encodeAttributes(template.extensions),
  );
}

/** The whole request; `signature` is over `info` under `row` (ECDSA: the DER form). */
export function assembleCertificationRequest(
  info: Uint8Array,
  row: SignatureAlgorithm,
  signature: Uint8Array,
): Buffer {
  return encodeSequence(info, row.identifier, encodeBitString(signature));
}
