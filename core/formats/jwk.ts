/**
 * Room: core/formats. Public keys as JWK (RFC 7517): EC and RSA (RFC 7518 §6), Ed25519 (RFC 8037 §2), ML-DSA
 * (RFC 9964), their thumbprints (RFC 7638), and the JOSE name of each algorithm that we sign with.
 */
import { hash } from "node:crypto";
import { AppError } from "../errors.ts";
import type { AuthorityAlgorithm, AuthorityAlgorithmId, KeyType } from "./algorithms.ts";
import { rsaPublicKeyOf, type SubjectPublicKey, subjectPublicKeyOf } from "./spki.ts";

export interface EllipticCurveJwk {
  readonly kty: "EC";
  readonly crv: string;
  readonly x: string;
  readonly y: string;
}

export interface RsaJwk {
  readonly kty: "RSA";
  readonly n: string;
  readonly e: string;
}

export interface OctetKeyPairJwk {
  readonly kty: "OKP";
  readonly crv: string;
  readonly x: string;
}

/** RFC 9964 §3: the key says which algorithm it is for, so `alg` is required. */
export interface AlgorithmKeyPairJwk {
  readonly kty: "AKP";
  readonly alg: string;
  readonly pub: string;
}

/** Nothing but the members that make the key; `kid`, `use` and the like are added by who publishes it. */
export type PublicJwk = EllipticCurveJwk | RsaJwk | OctetKeyPairJwk | AlgorithmKeyPairJwk;

const base64url = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("base64url");

/** RFC 7518 §6.2.1.2: a coordinate keeps its leading zeros, all of the curve's octets. */
function ellipticCurveJwk(key: SubjectPublicKey): EllipticCurveJwk {
  // 04 || X || Y: the one form that decodeSubjectPublicKey takes.
  const point = subjectPublicKeyOf(key).subarray(1);
  const octets = point.length / 2;
  const [x, y] = [point.subarray(0, octets), point.subarray(octets)];
  return { kty: "EC", crv: key.algorithm.id, x: base64url(x), y: base64url(y) };
}

/** RFC 7518 §6.3.1: numbers without leading zero octets. */
function rsaJwk(key: SubjectPublicKey): RsaJwk {
  const rsa = rsaPublicKeyOf(key);
  if (rsa === undefined) throw new AppError("key_malformed", "key has no RSAPublicKey");
  return { kty: "RSA", n: base64url(rsa.modulus), e: base64url(rsa.publicExponent) };
}

const octetKeyPairJwk = (key: SubjectPublicKey): OctetKeyPairJwk => ({
  kty: "OKP",
  crv: key.algorithm.id,
  x: base64url(subjectPublicKeyOf(key)),
});

const algorithmKeyPairJwk = (key: SubjectPublicKey): AlgorithmKeyPairJwk => ({
  kty: "AKP",
  alg: key.algorithm.id,
  pub: base64url(subjectPublicKeyOf(key)),
});

const encoders: Readonly<Record<KeyType, (key: SubjectPublicKey) => PublicJwk>> = {
  ec: ellipticCurveJwk,
  rsa: rsaJwk,
  ed25519: octetKeyPairJwk,
  "ml-dsa-44": algorithmKeyPairJwk,
  "ml-dsa-65": algorithmKeyPairJwk,
  "ml-dsa-87": algorithmKeyPairJwk,
};

/** The JWK of a key already decoded. Our names of curves and of ML-DSA are those that JOSE has registered. */
export function publicJwk(key: SubjectPublicKey): PublicJwk {
  return encoders[key.algorithm.keyType](key);
}

/** RFC 7638 §3.2, RFC 8037 §2, RFC 9964 §3: the required members, in lexicographic order. */
function requiredMembers(jwk: PublicJwk): Readonly<Record<string, string>> {
  switch (jwk.kty) {
    case "EC":
      return { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y };
    case "RSA":
      return { e: jwk.e, kty: jwk.kty, n: jwk.n };
    case "OKP":
      return { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
    case "AKP":
      return { alg: jwk.alg, kty: jwk.kty, pub: jwk.pub };
  }
}

/** RFC 7638 §3: the SHA-256 thumbprint, 43 characters of base64url. Members that are not required do not count. */
export function jwkThumbprint(jwk: PublicJwk): string {
  return hash("sha256", JSON.stringify(requiredMembers(jwk)), "base64url");
}

const joseAlgorithms: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "P-256": "ES256",
    "P-384": "ES384",
    // Our rows sign PKCS #1 v1.5 (RFC 7518 §3.3) with one digest each.
    "RSA-3072": "RS256",
    "RSA-4096": "RS512",
    // RFC 9864 §2.2: fully specified. "EdDSA", which leaves the curve open, is deprecated.
    Ed25519: "Ed25519",
    "ML-DSA-65": "ML-DSA-65",
    "ML-DSA-87": "ML-DSA-87",
  } satisfies Record<AuthorityAlgorithmId, string>),
);

/**
 * The `alg` of a signature by keys of `row`.
 * @throws AppError key_unsupported: the row is none of `authorityAlgorithms`.
 */
export function jwkAlgorithm(row: AuthorityAlgorithm): string {
  const algorithm = joseAlgorithms.get(row.id);
  if (algorithm === undefined) throw new AppError("key_unsupported", `no JOSE algorithm for ${row.id} keys`);
  return algorithm;
}
