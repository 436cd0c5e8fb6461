/** Room: core/formats. The extensions of OCSP messages that we know (RFC 6960 §4.4, RFC 9654). */
import { encodeNull, encodeOctetString, encodeOidElement, encodeSequence } from "../der/writer.ts";
import { type Extension, type ExtensionType, extensionType } from "../x509/extension.ts";
import { malformedOcsp } from "./malformed.ts";

const maxNonceOctets = 128;

function checkNonce(nonce: Uint8Array): Uint8Array {
  // RFC 9654 §2.1: others are a malformedRequest.
  if (nonce.length < 1 || nonce.length > maxNonceOctets)
    throw malformedOcsp(`nonce of ${nonce.length} octets: 1 to ${maxNonceOctets} are allowed`);
  return nonce;
}

/** RFC 9654 §2.1. It ties a response to its request; new clients send 32 random octets. */
export const ocspNonce: ExtensionType<Uint8Array> = extensionType("1.3.6.1.5.5.7.48.1.2", "nonce", {
  encode: (nonce) => encodeOctetString(checkNonce(nonce)),
  decode: (cursor) => checkNonce(cursor.octetString()),
});

/** RFC 6960 §4.4.3: the types of response that the client reads, as OIDs. */
export const acceptableResponses: ExtensionType<readonly string[]> = extensionType(
  "1.3.6.1.5.5.7.48.1.4",
  "acceptableResponses",
  {
    encode: (types) => encodeSequence(...types.map(encodeOidElement)),
    decode(cursor) {
      const list = cursor.sequence();
      const types: string[] = [];
      do types.push(list.oid());
      while (!list.atEnd);
      return types;
    },
  },
);

/** RFC 6960 §4.4.8: this responder says "revoked" also of certificates that were never issued. */
export const extendedRevoke: ExtensionType<true> = extensionType("1.3.6.1.5.5.7.48.1.9", "extendedRevoke", {
  encode: () => encodeNull(),
  decode(cursor) {
    cursor.null();
    return true;
  },
});

/** RFC 6960 §4.4: one of a kind, and no critical one that is not understood. @throws AppError ocsp_malformed. */
export function checkExtensions(
  extensions: readonly Extension[],
  ...understood: readonly { readonly oid: string }[]
): void {
  const seen = new Set<string>();
  for (const { oid, critical } of extensions) {
    if (seen.has(oid)) throw malformedOcsp(`extension ${oid} is repeated`);
    seen.add(oid);
    if (critical && !understood.some((type) => type.oid === oid))
      throw malformedOcsp(`critical extension ${oid} is not supported`);
  }
}
