/** Room: cli. A CRL: where it is asked for, what is checked before it is believed, and how it is shown. */

import {
  type CertificateList,
  verifyCertificateListSignature,
} from "../core/formats/crl/certificate-list.ts";
import { DerCursor } from "../core/formats/der/cursor.ts";
import { commonNames, decodeName } from "../core/formats/name.ts";
import { decodeSubjectPublicKey } from "../core/formats/spki.ts";
import type { Certificate } from "../core/formats/x509/certificate.ts";
import { decodedExtension } from "../core/formats/x509/extension.ts";
import { crlDistributionPoints, keyUsage } from "../core/formats/x509/extensions/index.ts";
import { Failure } from "./failure.ts";
import { untrusted } from "./untrusted.ts";

/** Clocks differ a little. */
export const clockSkewMilliseconds = 300_000;

export interface ListPlace {
  /** As the certificate names it; the list must name it too. */
  readonly url: string;
  /** Below the fleet's own path. */
  readonly path: string;
}

const unnamed = (what: string): Failure =>
  new Failure("refused", "crl_unnamed", `the certificate ${what}`, {
    remedy: "ask by OCSP: fleetkey ocsp query; certificates that a root signed name no list",
  });

/**
 * Where the list of the certificate lies. Of the URL in the certificate only authority and shard are taken: whoever
 * made the certificate does not get to say which host is asked. Throws `crl_unnamed`, `crl_elsewhere`.
 */
export function placeOfList({ tbs }: Certificate, fleet: string): ListPlace {
  const points = decodedExtension(tbs, crlDistributionPoints) ?? [];
  const urls = points.flatMap(({ fullName }) =>
    fullName.flatMap((name) => (name.kind === "uniformResourceIdentifier" ? [name.value] : [])),
  );
  if (urls.length === 0) throw unnamed("names no list (RFC 5280 §4.2.1.13)");
  for (const url of urls) {
    const { protocol, pathname = "", search, hash } = URL.parse(url) ?? {};
    const match =
      /^(?:\/v1)?\/fleets\/([a-z0-9-]{1,32})\/(crl\/[A-Za-z0-9._-]{1,31}\/[a-z0-9.-]{1,32}\.crl)$/.exec(
        pathname,
      );
    if (protocol === "https:" && search === "" && hash === "" && match?.[1] === fleet)
      return { url, path: `/${match[2]}` };
  }
  throw untrusted(
    "crl_elsewhere",
    "the certificate names a list that is not of this fleet, and it is not fetched",
    "check --fleet and the certificate; only lists of the configured service are asked for",
  );
}

const foreign = (what: string): Failure =>
  untrusted("crl_foreign", `the list ${what}`, "nothing was written; tell the service's operators");

function assertScope({ distributionPoint, onlyContains }: CertificateList, url: string): void {
  const names = distributionPoint?.flatMap((name) =>
    name.kind === "uniformResourceIdentifier" ? [name.value] : [],
  );
  // RFC 5280 §6.3.3(b)(2)(i): one of its names is the certificate's.
  if (names !== undefined && !names.includes(url)) throw foreign("is for other certificates than this one");
  if (onlyContains === "caCerts") throw foreign("speaks of authorities only");
}

function assertTimes({ thisUpdate, nextUpdate }: CertificateList, now: number): void {
  const isCurrent = thisUpdate <= now + clockSkewMilliseconds && nextUpdate !== undefined && now < nextUpdate;
  if (isCurrent) return;
  const end = nextUpdate === undefined ? "without an end" : `to ${isoTime(nextUpdate)}`;
  throw untrusted(
    "crl_expired",
    `the list is from ${isoTime(thisUpdate)} ${end}, and not of now`,
    "nothing was written; check this machine's clock, and whether the service publishes: fleetkey doctor",
  );
}

/** Throws `crl_foreign`, `crl_expired` (exit `untrusted`) unless the list speaks of such a certificate, now. */
export async function checkList(
  list: CertificateList,
  issuer: Certificate,
  { url }: ListPlace,
  now: number,
): Promise<void> {
  if (Buffer.compare(list.issuerRaw, issuer.tbs.subjectRaw) !== 0) throw foreign("is another authority's");
  // RFC 5280 §6.3.3(f).
  if (decodedExtension(issuer.tbs, keyUsage)?.has("cRLSign") === false)
    throw foreign("is of an authority that signs none");
  const key = decodeSubjectPublicKey(issuer.tbs.subjectPublicKeyInfo);
  if (!(await verifyCertificateListSignature(list, key)))
    throw foreign("has a signature that does not verify");
  assertScope(list, url);
  assertTimes(list, now);
}

export const isoTime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(".000Z", "Z");

/** Common names of a Name in DER, as people write them. */
export function subjectText(nameRaw: Uint8Array): string {
  return commonNames(decodeName(DerCursor.over(nameRaw)))
    .map((commonName) => `CN=${commonName}`)
    .join(", ");
}

export interface ListFacts {
  readonly issuer: string;
  readonly number?: number;
  readonly thisUpdate: string;
  readonly nextUpdate?: string;
  /** issuingDistributionPoint: URLs under which the list is published. */
  readonly distributionPoint?: readonly string[];
  readonly entries: number;
}

export function factsOf(list: CertificateList): ListFacts {
  const { issuerRaw, number, thisUpdate, nextUpdate, distributionPoint, revoked } = list;
  const names = distributionPoint?.map((name) =>
    name.kind === "uniformResourceIdentifier" ? name.value : name.kind,
  );
  return {
    issuer: subjectText(issuerRaw),
    ...(number === undefined ? {} : { number }),
    thisUpdate: isoTime(thisUpdate),
    ...(nextUpdate === undefined ? {} : { nextUpdate: isoTime(nextUpdate) }),
    ...(names === undefined ? {} : { distributionPoint: names }),
    entries: revoked.length,
  };
}
