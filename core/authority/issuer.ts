/**
 * Room: core/authority. A fleet's authorities as the store has them now, with their certificates decoded.
 * Decoding is remembered by the certificate's own bytes; state is read afresh each time.
 */
import { hash } from "node:crypto";
import { AppError } from "../errors.ts";
import { type AuthorityAlgorithm, authorityAlgorithms } from "../formats/algorithms.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../formats/spki.ts";
import { type Certificate, decodeCertificate } from "../formats/x509/certificate.ts";
import type { KeylessApp } from "../ports.ts";
import {
  defaultConfiguration,
  type FleetConfiguration,
  fleetConfiguration,
  isConfigurationItem,
} from "../records/fleet-configuration.ts";
import {
  type AuthorityRecord,
  authorityRecord,
  type FleetRecord,
  fleetPartition,
  fleetRecord,
  isAuthorityItem,
  isFleetItem,
  isTrusted,
} from "../records/fleet-record.ts";
import { type GatewayRecord, gatewayRecord, isGatewayItem } from "../records/gateway-record.ts";
import { readItems } from "../records/pages.ts";
import { assertInCryptoperiod } from "../rotation/cryptoperiod.ts";

/** An authority ready for use: its record, and what its certificate says. */
export interface Issuer {
  readonly record: AuthorityRecord;
  readonly algorithm: AuthorityAlgorithm;
  readonly certificate: Certificate;
  readonly publicKey: SubjectPublicKey;
}

/** A fleet with all its authorities, roots included, whatever their state. */
export interface Fleet {
  readonly record: FleetRecord;
  /** The item version of `record`, on which a change of it is conditioned. */
  readonly version: number;
  readonly configuration: FleetConfiguration;
  /** 0 while nobody has configured the fleet; one more with every change. */
  readonly configurationVersion: number;
  readonly authorities: readonly Issuer[];
  /** What the gateway was told; absent where there is none that checks clients. */
  readonly gateway?: GatewayRecord;
}

/** Its record, its configuration and its authorities: more than a fleet ever has, those that are retired among them. */
const maximumItems = 1_000;

interface DecodedCertificate {
  readonly certificate: Certificate;
  readonly publicKey: SubjectPublicKey;
}

function decode(app: KeylessApp, raw: Uint8Array): DecodedCertificate {
  return app.memo.get(`authority:${hash("sha256", raw)}`, () => {
    const certificate = decodeCertificate(raw);
    return { certificate, publicKey: decodeSubjectPublicKey(certificate.tbs.subjectPublicKeyInfo) };
  });
}

/**
 * Decodes the authority's certificate, once for each certificate as long as the memo keeps it.
 * @throws AppError certificate_malformed, key_unsupported, key_malformed: what is stored is damaged.
 */
export function issuerOf(app: KeylessApp, record: AuthorityRecord): Issuer {
  return { record, algorithm: authorityAlgorithms[record.algorithm], ...decode(app, record.certificate) };
}

/** The fleet with all its authorities, or undefined when there is none of that name. One read. */
export async function findFleet(app: KeylessApp, fleet: string): Promise<Fleet | undefined> {
  const items = await readItems(app, { pk: fleetPartition(fleet), limit: maximumItems });
  const own = items.find(isFleetItem);
  if (own === undefined) return undefined;
  const configured = items.find(isConfigurationItem);
  const authorities = items.filter(isAuthorityItem).map(authorityRecord);
  const gateway = items.find(isGatewayItem);
  return {
    record: fleetRecord(own),
    version: own.version,
    configuration: configured === undefined ? defaultConfiguration : fleetConfiguration(configured),
    configurationVersion: configured?.version ?? 0,
    authorities: authorities.map((record) => issuerOf(app, record)),
    ...(gateway === undefined ? {} : { gateway: gatewayRecord(gateway) }),
  };
}

/** @throws AppError not_found. */
export async function getFleet(app: KeylessApp, fleet: string): Promise<Fleet> {
  const found = await findFleet(app, fleet);
  if (found === undefined) throw new AppError("not_found", `there is no fleet "${fleet}"`);
  return found;
}

/** @throws AppError fleet_suspended: it issues nothing, and lets in its operators only. */
export function assertFleetActive(fleet: Fleet): void {
  if (fleet.record.state === "active") return;
  throw new AppError("fleet_suspended", "the fleet is suspended; its owners can end that");
}

/** @throws AppError authority_unavailable (not active, or expired), key_overdue (past its cryptoperiod and its grace). */
export function issuingAuthority(app: KeylessApp, fleet: Fleet): Issuer {
  const wanted = fleet.record.issuingAuthorityId;
  const issuer = fleet.authorities.find(({ record }) => record.authorityId === wanted);
  if (issuer === undefined || issuer.record.state !== "active") {
    throw new AppError(
      "authority_unavailable",
      `authority "${wanted}" is not active; activate an issuing authority`,
    );
  }
  const { notBefore, notAfter } = issuer.certificate.tbs.validity;
  if (notAfter <= app.clock.now()) {
    throw new AppError("authority_unavailable", `authority "${wanted}" has expired; rotate it`);
  }
  assertInCryptoperiod("issuing", notBefore, app.clock.now(), `authority "${wanted}"`);
  return issuer;
}

/** A root's key in a certificate that another root of the fleet signed (RFC 9810 §4.4). */
export interface CrossCertificate {
  readonly subject: Issuer;
  readonly issuer: Issuer;
  readonly certificate: Certificate;
}

/** Of the fleet's roots, those whose subject and issuer are both trusted, as their roots' records have them. */
export function crossCertificates({ authorities }: Fleet): readonly CrossCertificate[] {
  const roots = authorities.filter(({ record }) => record.kind === "root" && isTrusted(record));
  return roots.flatMap((subject) =>
    (subject.record.crossCertificates ?? []).flatMap((encoded) => {
      const certificate = decodeCertificate(Buffer.from(encoded, "base64"));
      const { issuerRaw } = certificate.tbs;
      const issuer = roots.find((root) => Buffer.compare(root.certificate.tbs.subjectRaw, issuerRaw) === 0);
      return issuer === undefined ? [] : [{ subject, issuer, certificate }];
    }),
  );
}

/** The authorities from `authorityId` upwards, the root left out. */
export function chainOf(fleet: Fleet, authorityId: string): readonly Issuer[] {
  const chain: Issuer[] = [];
  let wanted: string | undefined = authorityId;
  while (wanted !== undefined && chain.length < fleet.authorities.length) {
    const issuer = fleet.authorities.find(({ record }) => record.authorityId === wanted);
    if (issuer === undefined || issuer.record.kind === "root") break;
    chain.push(issuer);
    wanted = issuer.record.parentId;
  }
  return chain;
}

/**
 * What a peer needs besides the certificate that `authorityId` signed, DER: the authorities upwards, nearest first, then
 * the cross certificates of their root, so that whoever trusts any one of the fleet's roots finds a path (RFC 9810 §4.4).
 * The root itself is left out. Empty for an unknown authority.
 */
export function chainCertificates(fleet: Fleet, authorityId: string): readonly Uint8Array[] {
  const chain = chainOf(fleet, authorityId);
  const top = chain.at(-1);
  const rootId = top === undefined ? authorityId : top.record.parentId;
  const crossed = crossCertificates(fleet).filter(({ subject }) => subject.record.authorityId === rootId);
  return [...chain, ...crossed].map(({ certificate }) => certificate.raw);
}
