/**
 * Room: core/formats. Certificates alone in CMS: the degenerate SignedData of RFC 5652 §5, without content and
 * without signers, as EST and others carry a chain (`application/pkcs7-mime; smime-type=certs-only`).
 */
import { AppError } from "../errors.ts";
import { tag } from "./der/tag.ts";
import {
  encodeContext,
  encodeElement,
  encodeOidElement,
  encodeSequence,
  encodeSmallInteger,
} from "./der/writer.ts";

const idSignedData = encodeOidElement("1.2.840.113549.1.7.2");
const idData = encodeOidElement("1.2.840.113549.1.7.1");

// RFC 5652 §5.1: version 1 when all certificates are X.509, none signs, and the content is id-data.
const version = encodeSmallInteger(1);
const emptySet = encodeElement(tag.set);
const absentContent = encodeSequence(idData);

/**
 * A ContentInfo with `certificates` (whole DER each). They stand in the order of a DER SET OF, so that the order
 * of a chain is lost: readers put it together by names.
 * @throws AppError der_malformed: no certificate.
 */
export function encodeCertsOnly(certificates: readonly Uint8Array[]): Buffer {
  if (certificates.length === 0) throw new AppError("der_malformed", "list of certificates is empty");
  // IMPLICIT [0] SET OF: the set's content under another tag.
  const set = encodeContext(0, ...[...certificates].sort(Buffer.compare));
  const signedData = encodeSequence(version, emptySet, absentContent, set, emptySet);
  return encodeSequence(idSignedData, encodeContext(0, signedData));
}
