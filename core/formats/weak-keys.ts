/** Room: core/formats. Refuses subject public keys whose private key others can find or do without. */
import { AppError } from "../errors.ts";
import type { KeyType } from "./algorithms.ts";
import { hasRocaFingerprint } from "./roca.ts";
import { bitLength } from "./rsa-public-key.ts";
import { fermatRounds, hasCloseFactors, hasSmallFactor, smallFactorBound } from "./rsa-strength.ts";
import { rsaPublicKeyOf, type SubjectPublicKey, subjectPublicKeyOf } from "./spki.ts";

// SP 800-131A r2 §3: at least 2048 bits. Above 4096 one verification costs more than a device may ask of us.
const minimumModulusBits = 2048;
const maximumModulusBits = 4096;

const weak = (message: string): AppError => new AppError("key_weak", message);

const magnitudeToBigInt = (magnitude: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(magnitude.buffer, magnitude.byteOffset, magnitude.byteLength).toString("hex")}`);

function checkModulusSize(modulus: Uint8Array): void {
  const bits = bitLength(modulus);
  if (bits < minimumModulusBits || bits > maximumModulusBits || bits % 8 !== 0) {
    const limit = `${minimumModulusBits} to ${maximumModulusBits} bits in steps of 8`;
    throw weak(`RSA modulus of ${bits} bits is outside ${limit}; make a key of 2048, 3072 or 4096 bits`);
  }
}

/** FIPS 186-5 §5.4 allows 2^16 < e < 2^256; every maker uses 65537, so another value tells of a fault. */
function checkPublicExponent(exponent: Uint8Array): void {
  const [first, second, third] = exponent;
  if (exponent.length === 3 && first === 1 && second === 0 && third === 1) return;
  const value = exponent.length > 8 ? `of ${bitLength(exponent)} bits` : String(magnitudeToBigInt(exponent));
  throw weak(`RSA public exponent ${value} is not 65537; make the key with exponent 65537`);
}

/** Messages name the fault and never a factor: that would be the private key. */
function checkRsa(key: SubjectPublicKey): void {
  const rsa = rsaPublicKeyOf(key);
  if (rsa === undefined) return;
  checkModulusSize(rsa.modulus);
  checkPublicExponent(rsa.publicExponent);
  const remedy = "make a new key with a sound generator";
  if (((rsa.modulus[rsa.modulus.length - 1] ?? 0) & 1) === 0) throw weak(`RSA modulus is even; ${remedy}`);
  const modulus = magnitudeToBigInt(rsa.modulus);
  if (hasRocaFingerprint(modulus)) {
    throw weak(`RSA modulus has the ROCA fingerprint (CVE-2017-15361); ${remedy}`);
  }
  if (hasCloseFactors(modulus)) {
    throw weak(`RSA primes are so close that ${fermatRounds} rounds of Fermat's method find them; ${remedy}`);
  }
  if (hasSmallFactor(modulus)) {
    throw weak(`RSA modulus has a prime factor below the limit of ${smallFactorBound}; ${remedy}`);
  }
}

/**
 * y coordinates, little-endian, of the eight points of order 1, 2, 4 and 8. Under such a key a signature
 * that verifies proves nothing (RFC 8032 §8.9 leaves the check to the caller). Signs of x are masked.
 */
const smallOrder: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

function checkEd25519(key: SubjectPublicKey): void {
  const y = Buffer.from(subjectPublicKeyOf(key));
  y[31] = (y[31] ?? 0) & 0x7f;
  if (smallOrder.has(y.toString("hex"))) throw weak("Ed25519 key is a point of small order; make a new key");
}

/** FIPS 204 algorithm 8: with t1 = 0 the secret drops out of the equation and anyone can sign. rho is 32 octets. */
function checkMlDsa(key: SubjectPublicKey): void {
  const t1 = subjectPublicKeyOf(key).subarray(32);
  if (t1.every((octet) => octet === 0)) throw weak(`${key.algorithm.id} key has t1 = 0; make a new key`);
}

/** A point of P-256 or P-384 has prime order: `decodeSubjectPublicKey` has shown all there is to show. */
const checks = {
  ec: () => undefined,
  ed25519: checkEd25519,
  rsa: checkRsa,
  "ml-dsa-44": checkMlDsa,
  "ml-dsa-65": checkMlDsa,
  "ml-dsa-87": checkMlDsa,
} as const satisfies Record<KeyType, (key: SubjectPublicKey) => void>;

/**
 * Judges a key by its public value alone; cheap for all but RSA (about half a millisecond at 2048 bits).
 * @throws AppError key_weak: RSA size, exponent, even modulus, factors below 65,536, close primes, ROCA;
 * Ed25519 points of small order; ML-DSA keys without a secret.
 */
export function checkKeyStrength(key: SubjectPublicKey): void {
  checks[key.algorithm.keyType](key);
}
