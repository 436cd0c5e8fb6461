/** Room: core/formats. What kind of key a SubjectPublicKeyInfo holds, without importing the key. */
import { type KeyAlgorithm, keyAlgorithmOf } from "./algorithms.ts";
import { DerCursor } from "./der/cursor.ts";
import { bitLength, decodeRsaPublicKey } from "./rsa-public-key.ts";

export interface KeyKind {
  readonly algorithm: KeyAlgorithm;
  /** RSA only. */
  readonly modulusBits?: number;
}

/**
 * The row and RSA size of `spki` (whole DER); undefined when no row has its AlgorithmIdentifier.
 * @throws AppError der_malformed, key_malformed: not a SubjectPublicKeyInfo, or not an RSA key inside.
 */
export function keyKindOf(spki: Uint8Array): KeyKind | undefined {
  const fields = DerCursor.inSequence(spki);
  const algorithm = keyAlgorithmOf(fields.element().raw);
  if (algorithm === undefined) return undefined;
  const key = fields.bitString();
  fields.done();
  if (algorithm.keyType !== "rsa") return { algorithm };
  return { algorithm, modulusBits: bitLength(decodeRsaPublicKey(key).modulus) };
}
