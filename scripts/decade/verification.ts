/**
 * Room: scripts. Whether a holder of some trust accepts a certificate with the chain that its holder was given. Two judges
 * that know nothing of the core: node's X509Certificate step by step, and OpenSSL's whole path validation.
 */
import { X509Certificate } from "node:crypto";
import { openssl, opensslInstalled, withFiles } from "../../test/support/openssl.ts";
import type { HeldProfile, Source } from "./issuance.ts";
import type { TrustSet } from "./trust.ts";

/** accepted; retired: by the manifest, its authority's word counts no more; else no path was found. */
export type Judgement = "accepted" | "retired" | "noPath";

const certificatesIn = (pem: string): readonly X509Certificate[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g)].map(
    ([one]) => new X509Certificate(one),
  );

const isInForce = (certificate: X509Certificate, at: number): boolean =>
  certificate.validFromDate.getTime() <= at && at <= certificate.validToDate.getTime() + 999;

/** RFC 5280 §6.1: each signed by the next, all in force, authorities above the first, up to one that is trusted. */
function hasPath(
  below: X509Certificate,
  untrusted: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  at: number,
): boolean {
  const above = (issuer: X509Certificate): boolean =>
    issuer.ca && isInForce(issuer, at) && below.checkIssued(issuer) && below.verify(issuer.publicKey);
  if (roots.some(above)) return true;
  return untrusted.some(
    (issuer, index) => above(issuer) && hasPath(issuer, untrusted.toSpliced(index, 1), roots, at),
  );
}

const purposes = { device: "sslclient", quarantine: "sslclient", server: "sslserver" } as const;

async function askOpenssl(
  leaf: string,
  source: Source,
  trust: TrustSet,
  profile: HeldProfile,
  at: number,
): Promise<boolean> {
  return await withFiles({ leaf, chain: source.chain, roots: trust.roots }, async (path) => {
    const { accepted } = await openssl([
      ...["verify", "-x509_strict", "-purpose", purposes[profile], "-attime", `${Math.floor(at / 1_000)}`],
      ...["-no-CApath", "-no-CAstore", "-CAfile", path("roots"), "-untrusted", path("chain"), path("leaf")],
    ]);
    return accepted;
  });
}

export class Verifier {
  readonly #judged = new Map<string, Judgement>();
  readonly #everJudged = new Set<string>();
  readonly #openssl: "always" | "once";
  /** Paths that were validated, and how many of them by OpenSSL too. */
  paths = 0;
  byOpenssl = 0;
  /** Where the last sample was over already while certificates of the source were in force: judged at its last second. */
  atSamplesEnd = 0;

  /** @param openssl Whether OpenSSL is asked at each change, or of each pair when it is seen first. */
  constructor(openssl: "always" | "once") {
    this.#openssl = openssl;
  }

  get pairs(): number {
    return this.#everJudged.size;
  }

  /** Something has changed: whatever is asked for is judged anew. */
  forget(): void {
    this.#judged.clear();
  }

  known(source: Source, profile: HeldProfile, trust: TrustSet): Judgement | undefined {
    return this.#judged.get(`${source.id} ${profile} ${trust.id}`);
  }

  async judge(source: Source, profile: HeldProfile, trust: TrustSet, now: number): Promise<Judgement> {
    const pair = `${source.id} ${profile} ${trust.id}`;
    const known = this.#judged.get(pair);
    if (known !== undefined) return known;
    const judgement = trust.retired.has(source.issuer.record.authorityId)
      ? "retired"
      : (await this.#hasPath(pair, source, profile, trust, now))
        ? "accepted"
        : "noPath";
    this.#judged.set(pair, judgement);
    this.#everJudged.add(pair);
    return judgement;
  }

  async #hasPath(
    pair: string,
    source: Source,
    profile: HeldProfile,
    trust: TrustSet,
    now: number,
  ): Promise<boolean> {
    const leaf = source.samples.get(profile);
    if (leaf === undefined)
      throw new Error(`nothing of profile ${profile} was issued by source ${source.id}`);
    const certificate = new X509Certificate(leaf);
    const end = certificate.validToDate.getTime();
    if (end < now) this.atSamplesEnd += 1;
    const at = Math.min(now, end);
    const found = hasPath(certificate, certificatesIn(source.chain), certificatesIn(trust.roots), at);
    this.paths += 1;
    if (opensslInstalled && (this.#openssl === "always" || !this.#everJudged.has(pair))) {
      this.byOpenssl += 1;
      if ((await askOpenssl(leaf, source, trust, profile, at)) !== found)
        throw new Error(`OpenSSL and node differ on source ${source.id}, ${profile}, trust ${trust.id}`);
    }
    return found;
  }
}
