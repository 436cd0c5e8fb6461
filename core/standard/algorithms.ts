/** Room: core/standard. Which algorithms the product accepts, by the identifiers of `core/formats/algorithms.ts`. */

export interface AlgorithmEntry {
  readonly id: string;
  /** Bits of security against a classical attacker (SP 800-57 Part 1 r5 §5.6.1.1), the smallest of the row. */
  readonly strengthBits: number;
  /** Whether the row is meant to stand against a quantum computer. */
  readonly quantumResistant: boolean;
  readonly citation: string;
}

const entry = (
  id: string,
  strengthBits: number,
  citation: string,
  quantumResistant = false,
): AlgorithmEntry => ({ id, strengthBits, quantumResistant, citation });

const ecP256 = "FIPS 186-5 §6; SP 800-186; RFC 5480";
const ecP384 = "FIPS 186-5 §6; SP 800-186; RFC 5480";
const ed25519 = "FIPS 186-5 §7; RFC 8032; RFC 8410";
const mlDsa = "FIPS 204; RFC 9881";

/** Kinds of key that a certificate may be about. */
export const subjectAlgorithms = {
  "P-256": entry("P-256", 128, ecP256),
  "P-384": entry("P-384", 192, ecP384),
  Ed25519: entry("Ed25519", 128, ed25519),
  // SP 800-131A r2 §3: 2048 bits are the least acceptable; SP 800-57 Part 1 r5 rates them at 112 bits.
  RSA: entry("RSA", 112, "FIPS 186-5 §5; SP 800-131A r2 §3; RFC 3279; RFC 4055"),
  "ML-DSA-44": entry("ML-DSA-44", 128, mlDsa, true),
  "ML-DSA-65": entry("ML-DSA-65", 192, mlDsa, true),
  "ML-DSA-87": entry("ML-DSA-87", 256, mlDsa, true),
} as const satisfies Record<string, AlgorithmEntry>;

/** Kinds of key that may sign certificates: 128 bits of security or more, since they outlive their subjects. */
export const authorityAlgorithms = {
  "P-256": entry("P-256", 128, ecP256),
  "P-384": entry("P-384", 192, ecP384),
  "RSA-3072": entry("RSA-3072", 128, "FIPS 186-5 §5; SP 800-57 Part 1 r5 §5.6.1.1"),
  "RSA-4096": entry("RSA-4096", 128, "FIPS 186-5 §5; SP 800-57 Part 1 r5 §5.6.1.1"),
  Ed25519: entry("Ed25519", 128, ed25519),
  "ML-DSA-65": entry("ML-DSA-65", 192, mlDsa, true),
  "ML-DSA-87": entry("ML-DSA-87", 256, mlDsa, true),
} as const satisfies Record<string, AlgorithmEntry>;

/** Signatures accepted on requests. SHA-1 and MD5 are absent: SP 800-131A r2 §3 disallows them for signing. */
export const signatureAlgorithms = {
  "ecdsa-with-SHA256": entry("ecdsa-with-SHA256", 128, "FIPS 186-5 §6; RFC 5758 §3.2"),
  "ecdsa-with-SHA384": entry("ecdsa-with-SHA384", 128, "FIPS 186-5 §6; RFC 5758 §3.2"),
  "ecdsa-with-SHA512": entry("ecdsa-with-SHA512", 128, "FIPS 186-5 §6; RFC 5758 §3.2"),
  sha256WithRSAEncryption: entry("sha256WithRSAEncryption", 112, "FIPS 186-5 §5; RFC 4055 §5"),
  sha384WithRSAEncryption: entry("sha384WithRSAEncryption", 112, "FIPS 186-5 §5; RFC 4055 §5"),
  sha512WithRSAEncryption: entry("sha512WithRSAEncryption", 112, "FIPS 186-5 §5; RFC 4055 §5"),
  Ed25519: entry("Ed25519", 128, ed25519),
  "ML-DSA-44": entry("ML-DSA-44", 128, mlDsa, true),
  "ML-DSA-65": entry("ML-DSA-65", 192, mlDsa, true),
  "ML-DSA-87": entry("ML-DSA-87", 256, mlDsa, true),
} as const satisfies Record<string, AlgorithmEntry>;

export interface RsaStandard {
  readonly minimumBits: number;
  readonly maximumBits: number;
  /** A modulus is a multiple of this many bits. */
  readonly stepBits: number;
  readonly publicExponent: number;
  readonly fermatRounds: number;
  readonly citation: string;
}

/** What an RSA key must look like before it is certified. */
export const rsaStandard = {
  minimumBits: 2048,
  // Above 4096 bits a verification costs a constrained device more than P-384 gives for less.
  maximumBits: 4096,
  stepBits: 8,
  // FIPS 186-5 §A.1.1 asks for an odd exponent above 2^16; this is the smallest, and the only one taken.
  publicExponent: 65_537,
  // CVE-2022-26320: primes too close together fall to Fermat's method in a few rounds.
  fermatRounds: 100,
  citation: "FIPS 186-5 §5.1, §A.1.1; SP 800-131A r2 §3",
} as const satisfies RsaStandard;
