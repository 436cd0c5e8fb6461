/** Room: core/formats. Certificate (RFC 5280 §4.1.1): a TBSCertificate and the signature over it. */
import { type SignatureAlgorithm, signatureAlgorithmOf } from "../algorithms.ts";
import { DerCursor } from "../der/cursor.ts";
import { checkDer } from "../der/structure.ts";
import { encodeBitString, encodeSequence } from "../der/writer.ts";
import { verifySignature } from "../signature.ts";
import type { SubjectPublicKey } from "../spki.ts";
import {
  asCertificate,
  readAlgorithmIdentifier,
  readTbsCertificate,
  type TbsCertificate,
} from "./tbs-certificate.ts";

export interface Certificate {
  /** Whole DER; the other octet fields are views of it. */
  readonly raw: Uint8Array;
  readonly tbs: TbsCertificate;
  /** Whole AlgorithmIdentifier, outside the signed octets. */
  readonly signatureAlgorithm: Uint8Array;
  /** Octets of the signature, without the BIT STRING. */
  readonly signatureValue: Uint8Array;
}

/** Assembles a certificate from the octets that were signed, the algorithm's row and the signature's octets. */
export function encodeCertificate(
  tbs: Uint8Array,
  signature: SignatureAlgorithm,
  signatureValue: Uint8Array,
): Buffer {
  return encodeSequence(tbs, signature.identifier, encodeBitString(signatureValue));
}

/**
 * Reads exactly one certificate; within limits, strict about DER, lenient about policy.
 * @throws AppError certificate_malformed.
 */
export function decodeCertificate(raw: Uint8Array): Certificate {
  return asCertificate(() => {
    checkDer(raw);
    const fields = DerCursor.inSequence(raw);
    const tbs = readTbsCertificate(fields.element().raw);
    const signatureAlgorithm = readAlgorithmIdentifier(fields);
    const signatureValue = fields.bitString();
    fields.done();
    return { raw, tbs, signatureAlgorithm, signatureValue };
  });
}

/**
 * True when `issuer` signed the certificate. Names, validity and constraints are not looked at.
 * False, too, when the algorithm is not in our table, is not the key's, or differs inside and outside the
 * signed octets (RFC 5280 §4.1.1.2 demands the same).
 */
export async function verifyCertificateSignature(
  certificate: Certificate,
  issuer: SubjectPublicKey,
): Promise<boolean> {
  const { tbs, signatureAlgorithm, signatureValue } = certificate;
  const row = signatureAlgorithmOf(signatureAlgorithm);
  if (row === undefined || Buffer.compare(tbs.signature, signatureAlgorithm) !== 0) return false;
  return await verifySignature(row, tbs.raw, issuer.keyObject, signatureValue);
}
