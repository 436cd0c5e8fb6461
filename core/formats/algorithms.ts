/**
 * Room: core/formats. Algorithms as rows. Code that needs one takes the row and never branches on names.
 * Sources: RFC 5480, 8410, 3279 + 4055, 5758, 9881; FIPS 204.
 */
import { encodeNull, encodeOidElement, encodeSequence } from "./der/writer.ts";

/** AlgorithmIdentifier (RFC 5280 §4.1.1.2); `parameters` is a whole DER element, or absent. */
function algorithmIdentifier(oid: string, parameters?: Uint8Array): Buffer {
  return parameters === undefined
    ? encodeSequence(encodeOidElement(oid))
    : encodeSequence(encodeOidElement(oid), parameters);
}

/** What node:crypto calls the family of an asymmetric key. */
export type KeyType = "ec" | "ed25519" | "rsa" | "ml-dsa-44" | "ml-dsa-65" | "ml-dsa-87";

export interface KeyAlgorithm {
  readonly id: string;
  /** `asymmetricKeyType` of node:crypto. */
  readonly keyType: KeyType;
  /** AlgorithmIdentifier of the SubjectPublicKeyInfo, whole. */
  readonly spkiIdentifier: Buffer;
  /** For EC: OpenSSL's curve name and the octets of one coordinate. */
  readonly namedCurve?: "P-256" | "P-384";
  readonly coordinateOctets?: number;
  /** Octets of the subjectPublicKey where they are fixed. */
  readonly publicKeyOctets?: number;
}

const ecPublicKey = "1.2.840.10045.2.1";

function ecKey(id: "P-256" | "P-384", curveOid: string, coordinateOctets: number): KeyAlgorithm {
  return {
    id,
    keyType: "ec",
    spkiIdentifier: algorithmIdentifier(ecPublicKey, encodeOidElement(curveOid)),
    namedCurve: id,
    coordinateOctets,
    // RFC 5480 §2.2: we take the uncompressed form only, 04 || X || Y.
    publicKeyOctets: 1 + 2 * coordinateOctets,
  };
}

function plainKey(id: string, keyType: KeyType, oid: string, publicKeyOctets: number): KeyAlgorithm {
  return { id, keyType, spkiIdentifier: algorithmIdentifier(oid), publicKeyOctets };
}

/** Kinds of subject public key. RSA sizes are a matter of `standard`, the format takes all. */
export const keyAlgorithms = {
  "P-256": ecKey("P-256", "1.2.840.10045.3.1.7", 32),
  "P-384": ecKey("P-384", "1.3.132.0.34", 48),
  Ed25519: plainKey("Ed25519", "ed25519", "1.3.101.112", 32),
  RSA: {
    id: "RSA",
    keyType: "rsa",
    // RFC 3279 §2.3.1: the parameters are NULL.
    spkiIdentifier: algorithmIdentifier("1.2.840.113549.1.1.1", encodeNull()),
  },
  // RFC 9881 §2: parameters absent.
  "ML-DSA-44": plainKey("ML-DSA-44", "ml-dsa-44", "2.16.840.1.101.3.4.3.17", 1312),
  "ML-DSA-65": plainKey("ML-DSA-65", "ml-dsa-65", "2.16.840.1.101.3.4.3.18", 1952),
  "ML-DSA-87": plainKey("ML-DSA-87", "ml-dsa-87", "2.16.840.1.101.3.4.3.19", 2592),
} as const satisfies Record<string, KeyAlgorithm>;

export type KeyAlgorithmId = keyof typeof keyAlgorithms;

export interface SignatureAlgorithm {
  readonly id: string;
  readonly oid: string;
  /** AlgorithmIdentifier as it stands in certificates and requests, whole. */
  readonly identifier: Buffer;
  /** First argument of node:crypto's sign and verify; null where the scheme hashes by itself. */
  readonly digest: "sha256" | "sha384" | "sha512" | null;
  readonly keyType: KeyType;
}

function ecdsa(bits: 256 | 384 | 512, oid: string): SignatureAlgorithm {
  // RFC 5758 §3.2: parameters absent.
  const identifier = algorithmIdentifier(oid);
  return { id: `ecdsa-with-SHA${bits}`, oid, identifier, digest: `sha${bits}`, keyType: "ec" };
}

function rsaPkcs1(bits: 256 | 384 | 512, oid: string): SignatureAlgorithm {
  // RFC 4055 §5: parameters are NULL.
  const identifier = algorithmIdentifier(oid, encodeNull());
  return { id: `sha${bits}WithRSAEncryption`, oid, identifier, digest: `sha${bits}`, keyType: "rsa" };
}

function pure(id: string, keyType: KeyType, oid: string): SignatureAlgorithm {
  return { id, oid, identifier: algorithmIdentifier(oid), digest: null, keyType };
}

export const signatureAlgorithms = {
  "ecdsa-with-SHA256": ecdsa(256, "1.2.840.10045.4.3.2"),
  "ecdsa-with-SHA384": ecdsa(384, "1.2.840.10045.4.3.3"),
  "ecdsa-with-SHA512": ecdsa(512, "1.2.840.10045.4.3.4"),
  sha256WithRSAEncryption: rsaPkcs1(256, "1.2.840.113549.1.1.11"),
  sha384WithRSAEncryption: rsaPkcs1(384, "1.2.840.113549.1.1.12"),
  sha512WithRSAEncryption: rsaPkcs1(512, "1.2.840.113549.1.1.13"),
  Ed25519: pure("Ed25519", "ed25519", "1.3.101.112"),
  "ML-DSA-44": pure("ML-DSA-44", "ml-dsa-44", "2.16.840.1.101.3.4.3.17"),
  "ML-DSA-65": pure("ML-DSA-65", "ml-dsa-65", "2.16.840.1.101.3.4.3.18"),
  "ML-DSA-87": pure("ML-DSA-87", "ml-dsa-87", "2.16.840.1.101.3.4.3.19"),
} as const satisfies Record<string, SignatureAlgorithm>;

export interface AuthorityAlgorithm {
  readonly id: string;
  readonly key: KeyAlgorithm;
  /** RSA modulus length. */
  readonly modulusBits?: number;
  /** The one signature algorithm that keys of this row are used with. */
  readonly signature: SignatureAlgorithm;
}

/** Keys that sign: authorities, and later responders and manifests. */
export const authorityAlgorithms = {
  "P-256": { id: "P-256", key: keyAlgorithms["P-256"], signature: signatureAlgorithms["ecdsa-with-SHA256"] },
  "P-384": { id: "P-384", key: keyAlgorithms["P-384"], signature: signatureAlgorithms["ecdsa-with-SHA384"] },
  "RSA-3072": {
    id: "RSA-3072",
    key: keyAlgorithms.RSA,
    modulusBits: 3072,
    signature: signatureAlgorithms.sha256WithRSAEncryption,
  },
  "RSA-4096": {
    id: "RSA-4096",
    key: keyAlgorithms.RSA,
    modulusBits: 4096,
    signature: signatureAlgorithms.sha512WithRSAEncryption,
  },
  Ed25519: { id: "Ed25519", key: keyAlgorithms.Ed25519, signature: signatureAlgorithms.Ed25519 },
  "ML-DSA-65": {
    id: "ML-DSA-65",
    key: keyAlgorithms["ML-DSA-65"],
    signature: signatureAlgorithms["ML-DSA-65"],
  },
  "ML-DSA-87": {
    id: "ML-DSA-87",
    key: keyAlgorithms["ML-DSA-87"],
    signature: signatureAlgorithms["ML-DSA-87"],
  },
} as const satisfies Record<string, AuthorityAlgorithm>;

export type AuthorityAlgorithmId = keyof typeof authorityAlgorithms;

function rowsByIdentifier<Row>(
  rows: Iterable<Row>,
  identifier: (row: Row) => Buffer,
): ReadonlyMap<string, Row> {
  return new Map([...rows].map((row) => [identifier(row).toString("latin1"), row]));
}

const keysByIdentifier = rowsByIdentifier<KeyAlgorithm>(
  Object.values(keyAlgorithms),
  (row) => row.spkiIdentifier,
);
const signaturesByIdentifier = rowsByIdentifier<SignatureAlgorithm>(
  Object.values(signatureAlgorithms),
  (row) => row.identifier,
);

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

/** The row whose AlgorithmIdentifier is exactly `identifier` (whole DER), parameters included. */
export function keyAlgorithmOf(identifier: Uint8Array): KeyAlgorithm | undefined {
  return keysByIdentifier.get(latin1(identifier));
}

/** The row whose AlgorithmIdentifier is exactly `identifier` (whole DER), parameters included. */
export function signatureAlgorithmOf(identifier: Uint8Array): SignatureAlgorithm | undefined {
  return signaturesByIdentifier.get(latin1(identifier));
}
