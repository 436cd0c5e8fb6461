/**
 * Room: core/distribution. The names under which a fleet's public artefacts lie in the object store, and how readers
 * receive them. The API serves the same names below `/v1/fleets/{fleet}/`.
 */
import type { NewObject } from "../ports.ts";

/** Of what changes: a reader is at most this much behind. */
const changing = "public, max-age=300";
/** RFC 8246 §2: nobody need ask again. */
const lasting = "public, max-age=31536000, immutable";

export interface ArtifactKind {
  readonly contentType: string;
  readonly cacheControl: string;
}

/** By the name below the fleet. */
export const artifactKinds = {
  // RFC 7515 §9.2.1.
  "trust.jws": { contentType: "application/jose", cacheControl: changing },
  // RFC 8555 §9.1.
  "trust.pem": { contentType: "application/pem-certificate-chain", cacheControl: changing },
  // RFC 8551 §3.2.2; RFC 5273 §3.
  "trust.p7b": { contentType: "application/pkcs7-mime; smime-type=certs-only", cacheControl: changing },
  // RFC 2585 §4.1.
  "trust.der": { contentType: "application/pkix-cert", cacheControl: changing },
  // RFC 7517 §8.5.2.
  "jwks.json": { contentType: "application/jwk-set+json", cacheControl: changing },
} as const satisfies Readonly<Record<string, ArtifactKind>>;

export type ArtifactName = keyof typeof artifactKinds;

export const manifestVersionKind: ArtifactKind = { contentType: "application/jose", cacheControl: lasting };

/** Key in the object store of whatever is published of `fleet` under `name`. */
export const artifactKey = (fleet: string, name: string): string => `fleets/${fleet}/${name}`;

/** Once written, a version never changes. */
export const manifestVersionKey = (fleet: string, version: number): string =>
  artifactKey(fleet, `trust/${version}.jws`);

export const artifact = (name: ArtifactName, body: Uint8Array): NewObject => ({
  body,
  ...artifactKinds[name],
});
