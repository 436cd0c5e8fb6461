/**
 * Room: core/ocsp. For whom a fleet's responder answers: its issuing authorities as CertIDs name them, and the
 * responder's certificate for each. A function instance remembers this for seconds; never a certificate's status.
 */
import { hash } from "node:crypto";
import { findFleet, type Issuer } from "../authority/issuer.ts";
import { authorityAlgorithms, type SignatureAlgorithm } from "../formats/algorithms.ts";
import { type CertId, type CertIdHash, certIdOf } from "../formats/ocsp/cert-id.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey, subjectPublicKeyOf } from "../formats/spki.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import { checkFleetId } from "../policy/identifiers.ts";
import type { KeylessApp } from "../ports.ts";
import type { FleetRecord } from "../records/fleet-record.ts";
import type { ResponderRecord } from "../records/responder-record.ts";
import { findResponders, isAnsweredFor } from "./certified-responders.ts";
import { certifiedKey, type ResponderKey } from "./responder-key.ts";

/** The responder as one authority has certified it. */
export interface Responder {
  readonly record: ResponderRecord;
  readonly signature: SignatureAlgorithm;
  readonly publicKey: SubjectPublicKey;
  /** RFC 6960 §4.2.1, KeyHash: SHA-1 of the key, whatever the CertID's hash is. */
  readonly keyHash: Buffer;
  readonly key: ResponderKey;
}

export interface AnsweredAuthority {
  readonly issuer: Issuer;
  /** Absent before its first certificate. */
  readonly responder?: Responder;
}

export interface ResponderDirectory {
  /** The issuing authority that signed the certificate asked about; undefined: none of this fleet. */
  authorityOf(certId: CertId): AnsweredAuthority | undefined;
}

const hashes: readonly CertIdHash[] = ["SHA-1", "SHA-256"];

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
const issuerName = ({ hashAlgorithm, issuerNameHash, issuerKeyHash }: CertId): string =>
  `${hashAlgorithm} ${hex(issuerNameHash)} ${hex(issuerKeyHash)}`;

/** The names of `issuer` in CertIDs, one for each hash. */
function issuerNames(app: KeylessApp, { record, certificate, publicKey }: Issuer): readonly string[] {
  return app.memo.get(`cert-id:${hash("sha256", record.certificate)}`, () => {
    const key = subjectPublicKeyOf(publicKey);
    return hashes.map((each) => issuerName(certIdOf(each, certificate.tbs.subjectRaw, key, "00")));
  });
}

function responderOf(app: KeylessApp, fleet: FleetRecord, record: ResponderRecord): Responder {
  const { publicKey, keyHash } = app.memo.get(`responder:${hash("sha256", record.certificate)}`, () => {
    const { tbs } = decodeCertificate(record.certificate);
    const decoded = decodeSubjectPublicKey(tbs.subjectPublicKeyInfo);
    return { publicKey: decoded, keyHash: hash("sha1", subjectPublicKeyOf(decoded), "buffer") };
  });
  return {
    record,
    signature: authorityAlgorithms[record.algorithm].signature,
    publicKey,
    keyHash,
    key: certifiedKey(record, fleet),
  };
}

async function readDirectory(app: KeylessApp, fleetId: string): Promise<ResponderDirectory | undefined> {
  if (!checkFleetId(fleetId).allow) return undefined;
  const [fleet, responders] = await Promise.all([findFleet(app, fleetId), findResponders(app, fleetId)]);
  if (fleet === undefined) return undefined;
  const byName = new Map<string, AnsweredAuthority>();
  for (const issuer of fleet.authorities) {
    if (!isAnsweredFor(issuer, app.clock.now())) continue;
    const record = responders.get(issuer.record.authorityId)?.value;
    const authority =
      record === undefined ? { issuer } : { issuer, responder: responderOf(app, fleet.record, record) };
    for (const name of issuerNames(app, issuer)) byName.set(name, authority);
  }
  return { authorityOf: (certId) => byName.get(issuerName(certId)) };
}

/** A new authority or responder is known after at most this long. */
const rememberedMilliseconds = 5_000;
/** Fleets of one instance, unknown names among them. */
const rememberedFleets = 256;

interface Remembered {
  readonly until: number;
  readonly directory: Promise<ResponderDirectory | undefined>;
}

/** Reads of directories that remember what they read for five seconds; a read that fails is not remembered. */
export function rememberedDirectories(
  app: KeylessApp,
): (fleet: string) => Promise<ResponderDirectory | undefined> {
  const known = new Map<string, Remembered>();
  return (fleet) => {
    const now = app.clock.now();
    const present = known.get(fleet);
    if (present !== undefined && now < present.until) return present.directory;
    const read = { until: now + rememberedMilliseconds, directory: readDirectory(app, fleet) };
    known.delete(fleet);
    known.set(fleet, read);
    read.directory.catch(() => known.get(fleet) === read && known.delete(fleet));
    const oldest = known.keys().next();
    if (known.size > rememberedFleets && !oldest.done) known.delete(oldest.value);
    return read.directory;
  };
}
