/** Room: core/formats. RSAPublicKey, the content of an RSA subjectPublicKey (RFC 3279 §2.3.1, RFC 8017 §A.1.1). */
import { AppError } from "../errors.ts";
import { DerCursor } from "./der/cursor.ts";

/** Both are unsigned big-endian magnitudes without leading zero octets, views of the input. */
export interface RsaPublicKey {
  readonly modulus: Uint8Array;
  readonly publicExponent: Uint8Array;
}

// OpenSSL verifies nothing under a larger modulus (OPENSSL_RSA_MAX_MODULUS_BITS).
const maximumModulusBits = 16_384;

/** Bits of an unsigned big-endian magnitude without leading zero octets. */
export function bitLength(magnitude: Uint8Array): number {
  const first = magnitude[0] ?? 0;
  return magnitude.length * 8 - (Math.clz32(first) - 24);
}

function positive(content: Uint8Array, field: string): Uint8Array {
  const first = content[0] ?? 0;
  if (first >= 0x80)
    throw new AppError("key_malformed", `RSA ${field} is negative; encode a positive INTEGER`);
  const magnitude = first === 0 ? content.subarray(1) : content;
  if (magnitude.length === 0) throw new AppError("key_malformed", `RSA ${field} is zero`);
  return magnitude;
}

/**
 * Reads the DER of an RSAPublicKey. It judges the encoding only: strength is `checkKeyStrength`'s matter.
 * @throws AppError key_malformed: zero or negative numbers, more than 16,384 bits; der_malformed: not DER.
 */
export function decodeRsaPublicKey(subjectPublicKey: Uint8Array): RsaPublicKey {
  const fields = DerCursor.inSequence(subjectPublicKey);
  const modulus = positive(fields.integer(), "modulus");
  const publicExponent = positive(fields.integer(), "public exponent");
  fields.done();
  const bits = bitLength(modulus);
  if (bits > maximumModulusBits) {
    throw new AppError(
      "key_malformed",
      `RSA modulus of ${bits} bits exceeds the limit of ${maximumModulusBits}`,
    );
  }
  return { modulus, publicExponent };
}
