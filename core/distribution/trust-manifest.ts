/**
 * Room: core/distribution. The trust manifest: whom a fleet trusts, where the status of its certificates is, and who
 * signs the next manifest. One JSON document a version, signed as a compact JWS (RFC 7515).
 */
import type { PublicJwk } from "../formats/jwk.ts";

/** `typ` of the JWS header (RFC 7515 §4.1.9): no other JWS of the service passes for a manifest. */
export const manifestTokenType = "fleetkey-trust+jws";

export const manifestType = "fleetkey-trust";

/** Characters of a whole manifest that readers take: a hundred authorities with the largest keys. */
export const manifestCharacters = 2_097_152;

/** A key of the service as it is published. */
export type PublishedJwk = PublicJwk & {
  /** RFC 7638 SHA-256 thumbprint. */
  readonly kid: string;
  /** The one algorithm that the key signs with, by its JOSE name. */
  readonly alg: string;
  readonly use: "sig";
};

/** RFC 7517 §5. */
export interface JwkSet {
  readonly keys: readonly PublishedJwk[];
}

interface PublishedAuthority {
  readonly authorityId: string;
  /** DER in base64 (RFC 4648 §4). */
  readonly certificate: string;
  /** SHA-256 of the DER, lowercase hexadecimal: what people compare, and what firmware pins. */
  readonly sha256: string;
}

export interface TrustedRoot extends PublishedAuthority {
  /** https URL of the root's whole CRL. */
  readonly crl: string;
}

export interface TrustedAuthority extends PublishedAuthority {
  /** `authorityId` of the authority that signed this one. */
  readonly issuer: string;
  /**
   * published: trusted, and issues nothing yet; active: it issues; draining: what it issued counts until it expires;
   * retired: nothing of it counts.
   */
  readonly state: "published" | "active" | "draining" | "retired";
  /** URI template (RFC 6570) of its CRLs; `shard` is as certificates have it in cRLDistributionPoints. */
  readonly crl: string;
}

/** A root's key, certified by another root (RFC 9810 §4.4): whoever trusts that one alone reaches what this one signed. */
export interface CrossCertified {
  /** `authorityId` of the root whose key it is. */
  readonly subject: string;
  /** `authorityId` of the root that signed it. */
  readonly issuer: string;
  /** DER in base64 (RFC 4648 §4). */
  readonly certificate: string;
  /** SHA-256 of the DER, lowercase hexadecimal. */
  readonly sha256: string;
}

export interface TrustManifest {
  readonly type: typeof manifestType;
  readonly fleet: string;
  /** SPIFFE trust domain of the fleet's identities. */
  readonly trustDomain: string;
  /** 1 for the first, one more for each after it: a reader never goes back. */
  readonly version: number;
  /** ISO 8601, UTC, whole seconds, as all times here. */
  readonly issuedAt: string;
  /** A little before `issuedAt`, for readers whose clocks run late. */
  readonly notBefore: string;
  /** A newer version is published before. Past it, a reader knows that it is cut off or kept in the past. */
  readonly nextUpdate: string;
  /** In use, the oldest first; the same as in trust.pem. */
  readonly roots: readonly TrustedRoot[];
  /** Issuing authorities, retired ones too. */
  readonly authorities: readonly TrustedAuthority[];
  /** Between roots that are in use; manifests of earlier releases have none. */
  readonly crossCertificates: readonly CrossCertified[];
  readonly crl: {
    /** Days of expiry that one shard of the lists covers. */
    readonly windowDays: number;
  };
  /** URL of the fleet's OCSP responder. */
  readonly ocsp: string;
  /** Public keys of roots and authorities that are not retired; the same as jwks.json. */
  readonly keys: JwkSet;
  /** Authorities of SSH certificates. None exist yet. */
  readonly sshAuthorities: readonly never[];
  /** Keys that may sign what comes after this version. */
  readonly signers: readonly PublishedJwk[];
  /** SHA-256 of the whole compact text of the version before, lowercase hexadecimal; absent from version 1. */
  readonly previous?: string;
}

/** What a manifest says, apart from when: a new version is made when this changes. */
export type TrustContent = Omit<
  TrustManifest,
  "version" | "issuedAt" | "notBefore" | "nextUpdate" | "previous"
>;

/** The content of a manifest, members in one order, so that equal contents are equal texts. */
export function contentOf(manifest: TrustManifest): TrustContent {
  const { type, fleet, trustDomain, roots, authorities, crossCertificates } = manifest;
  const { crl, ocsp, keys, sshAuthorities, signers } = manifest;
  return {
    ...{ type, fleet, trustDomain, roots, authorities, crossCertificates },
    ...{ crl, ocsp, keys, sshAuthorities, signers },
  };
}
