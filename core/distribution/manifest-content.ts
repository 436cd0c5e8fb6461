/** Room: core/distribution. What a fleet's trust manifest says, from its records. */
import { hash } from "node:crypto";
import { crossCertificates, type Fleet, type Issuer } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import type { AuthorityAlgorithm } from "../formats/algorithms.ts";
import { jwkAlgorithm, jwkThumbprint, publicJwk } from "../formats/jwk.ts";
import type { SubjectPublicKey } from "../formats/spki.ts";
import { isTrusted } from "../records/fleet-record.ts";
import { completeShard } from "../revocation/shard.ts";
import { crlPath, ocspUrl } from "../revocation/status-places.ts";
import { publicationSchedules } from "../standard/revocation.ts";
import { rootsInUse } from "./trust.ts";
import type { CrossCertified, JwkSet, PublishedJwk, TrustContent, TrustManifest } from "./trust-manifest.ts";
import { manifestType } from "./trust-manifest.ts";

/** A key of the service as others read it. */
export function publishedJwk(key: SubjectPublicKey, algorithm: AuthorityAlgorithm): PublishedJwk {
  const jwk = publicJwk(key);
  return { ...jwk, kid: jwkThumbprint(jwk), alg: jwkAlgorithm(algorithm), use: "sig" };
}

function published({ record: { authorityId, certificate } }: Issuer) {
  return {
    authorityId,
    certificate: Buffer.from(certificate).toString("base64"),
    sha256: hash("sha256", certificate),
  };
}

const crossed = (fleet: Fleet): readonly CrossCertified[] =>
  crossCertificates(fleet).map(({ subject, issuer, certificate: { raw } }) => ({
    subject: subject.record.authorityId,
    issuer: issuer.record.authorityId,
    certificate: Buffer.from(raw).toString("base64"),
    sha256: hash("sha256", raw),
  }));

const inUse = ({ record }: Issuer): boolean => isTrusted(record);

/** Public keys of roots and authorities that are trusted. */
const authorityKeys = (fleet: Fleet): JwkSet => ({
  keys: fleet.authorities.filter(inUse).map(({ publicKey, algorithm }) => publishedJwk(publicKey, algorithm)),
});

/**
 * Undefined for a fleet that has no address: there is nowhere to publish to.
 * @param signers Keys that may sign what comes next.
 */
export function trustContent(fleet: Fleet, signers: readonly PublishedJwk[]): TrustContent | undefined {
  const { record, configuration, authorities } = fleet;
  const { origin, artifactBases: [base] = [] } = record;
  if (origin === undefined || base === undefined) return undefined;
  return {
    type: manifestType,
    fleet: record.fleet,
    trustDomain: record.trustDomain,
    roots: rootsInUse(fleet).map((root) => ({
      ...published(root),
      crl: `${base}/${crlPath(root.record.authorityId, completeShard)}`,
    })),
    authorities: authorities
      .filter(({ record: { kind } }) => kind !== "root")
      .map((authority) => ({
        ...published(authority),
        issuer: authority.record.parentId ?? "",
        state: authority.record.state === "destroyed" ? "retired" : authority.record.state,
        crl: `${base}/${crlPath(authority.record.authorityId, "{shard}")}`,
      })),
    crossCertificates: crossed(fleet),
    crl: { windowDays: configuration.crlWindowDays },
    ocsp: ocspUrl(origin, record.fleet),
    keys: authorityKeys(fleet),
    sshAuthorities: [],
    signers,
  };
}

/**
 * SHA-256, hexadecimal, of a content whose members stand in the one order that `trustContent` makes. Without cross
 * certificates it is what it was before there were any: no fleet publishes a version because of that.
 */
export function contentDigest({ crossCertificates: crosses, ...content }: TrustContent): string {
  const said = crosses.length === 0 ? content : { ...content, crossCertificates: crosses };
  return hash("sha256", JSON.stringify(said));
}

export interface ManifestPlace {
  readonly version: number;
  /** Of the text of the version before. */
  readonly previous?: string;
}

const { validSeconds, refreshSeconds } = publicationSchedules.trustManifest;
/** As for certificates: clocks of devices run late. */
const backdateSeconds = 300;

export interface DatedManifest {
  readonly manifest: TrustManifest;
  /** Milliseconds since the epoch. */
  readonly nextUpdate: number;
  readonly refreshAt: number;
}

/** @param now Milliseconds since the epoch. */
export function datedManifest(content: TrustContent, place: ManifestPlace, now: number): DatedManifest {
  const issuedAt = Math.floor(now / 1000) * 1000;
  const nextUpdate = issuedAt + validSeconds * 1000;
  const { type, fleet, trustDomain, ...rest } = content;
  const { version, previous } = place;
  return {
    manifest: {
      type,
      fleet,
      trustDomain,
      version,
      issuedAt: isoSeconds(issuedAt),
      notBefore: isoSeconds(issuedAt - backdateSeconds * 1000),
      nextUpdate: isoSeconds(nextUpdate),
      ...rest,
      ...(previous === undefined ? {} : { previous }),
    },
    nextUpdate,
    refreshAt: issuedAt + refreshSeconds * 1000,
  };
}
