/** Room: core/formats. Verifies signatures with node:crypto, on its thread pool: the event loop stays free. */
import { type KeyObject, verify } from "node:crypto";
import type { SignatureAlgorithm } from "./algorithms.ts";

/**
 * True when `signature` over `message` is `key`'s under the algorithm `row`. False for every signature that does
 * not verify, one of another key type or of impossible form included.
 * ECDSA signatures are DER (RFC 3279 §2.2.3), RSA ones PKCS #1 v1.5, ML-DSA pure with an empty context.
 */
export function verifySignature(
  row: SignatureAlgorithm,
  message: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.asymmetricKeyType !== row.keyType) return Promise.resolve(false);
  return new Promise((resolve) => {
    try {
      // An error is OpenSSL refusing the signature's form: not verified either way.
      verify(row.digest, message, key, signature, (error, valid) => resolve(error === null && valid));
    } catch {
      resolve(false);
    }
  });
}
