/**
 * Room: adapters/aws. The message representative µ of ML-DSA, computed here so that KMS signs a message of any
 * length by 64 octets. Source: FIPS 204, Algorithm 2 line 10, Algorithm 6 line 9, Algorithm 7 line 6.
 */
import { createHash } from "node:crypto";

const octets = 64;
// Algorithm 2 line 10: pure signing (0), then the length of the context string: RFC 9881 §3 has it empty.
const pureWithoutContext = Buffer.of(0, 0);

const shake256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("shake256", { outputLength: octets });
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/**
 * µ = H(tr ‖ 0x00 ‖ 0x00 ‖ M), where tr = H(pk): 64 octets.
 * @param publicKey As FIPS 204 encodes it: 1,952 octets for ML-DSA-65, 2,592 for ML-DSA-87.
 */
export function messageRepresentative(publicKey: Uint8Array, message: Uint8Array): Buffer {
  return shake256(shake256(publicKey), pureWithoutContext, message);
}
