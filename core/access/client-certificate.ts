/**
 * Room: core/access. Which authority signed the presented certificate, whether it is in force, and whose it is.
 * The transport proves possession of the key and nothing else: API Gateway's mutual TLS never checks revocation.
 */
import { hash } from "node:crypto";
import { type Fleet, findFleet, type Issuer } from "../authority/issuer.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError, isAppError } from "../errors.ts";
import { decodePem } from "../formats/pem.ts";
import {
  type Certificate,
  decodeCertificate,
  verifyCertificateSignature,
} from "../formats/x509/certificate.ts";
import { decodedExtension } from "../formats/x509/extension.ts";
import { subjectAltName } from "../formats/x509/extensions/subject-alt-name.ts";
import { serialNumberHex } from "../formats/x509/tbs-certificate.ts";
import type { KeylessApp } from "../ports.ts";
import type { CertificateRecord, Stored, SubjectKind } from "../records/certificate-record.ts";
import { isTrusted } from "../records/fleet-record.ts";
import type { ProfileId } from "../standard/profiles.ts";

/** Subjects whose certificates open doors here; the rest prove themselves to others. */
const clientKinds = ["device", "operator", "claim", "backend"] as const satisfies readonly SubjectKind[];
export type ClientKind = (typeof clientKinds)[number];

const isClientKind = (kind: SubjectKind): kind is ClientKind =>
  (clientKinds as readonly SubjectKind[]).includes(kind);

export interface ClientIdentity {
  readonly kind: ClientKind;
  /** The fleet whose authority signed the certificate, whatever path it was presented at. */
  readonly fleet: string;
  readonly subjectId: string;
  readonly serialNumber: string;
  readonly profile: ProfileId;
  /** The certificate's record and the fleet as they were read at the door: nothing is read twice. */
  readonly record: Stored<CertificateRecord>;
  readonly fleetState: Fleet;
}

function untrusted(): AppError {
  // One message for every reason: the caller learns nothing about other fleets.
  return new AppError(
    "client_certificate_untrusted",
    "the client certificate was not issued by this fleet; present one that this fleet issued",
  );
}

/** The largest certificate that is issued here, ML-DSA-87, has about 11,000 characters of PEM. */
const maximumCharacters = 24_000;

/** @throws AppError client_certificate_untrusted: no PEM of one certificate, or too long. */
export function decodePresented(pem: string): Certificate {
  if (pem.length > maximumCharacters) throw untrusted();
  try {
    const [der] = decodePem(pem, "CERTIFICATE");
    if (der === undefined) throw untrusted();
    return decodeCertificate(der);
  } catch (error) {
    if (isAppError(error)) throw untrusted();
    throw error;
  }
}

/** A signature found good is remembered; what strangers present leaves nothing behind. */
async function isSignedBy(app: KeylessApp, certificate: Certificate, issuer: Issuer): Promise<boolean> {
  if (!Buffer.from(certificate.tbs.issuerRaw).equals(issuer.certificate.tbs.subjectRaw)) return false;
  const key = `signed-by:${issuer.publicKey.fingerprint}:${hash("sha256", certificate.raw)}`;
  if (app.memo.has(key)) return true;
  if (!(await verifyCertificateSignature(certificate, issuer.publicKey))) return false;
  return app.memo.get(key, () => true);
}

async function findIssuer(app: KeylessApp, fleet: Fleet, certificate: Certificate): Promise<Issuer> {
  for (const issuer of fleet.authorities) {
    const inUse = issuer.record.kind === "issuing" && isTrusted(issuer.record);
    if (inUse && (await isSignedBy(app, certificate, issuer))) return issuer;
  }
  throw untrusted();
}

function checkInForce(app: KeylessApp, certificate: Certificate, issuer: Issuer): void {
  const now = app.clock.now();
  const valid = [certificate, issuer.certificate].every(
    ({ tbs }) => tbs.validity.notBefore <= now && now <= tbs.validity.notAfter + 999,
  );
  if (!valid) {
    throw new AppError(
      "client_certificate_expired",
      "the client certificate is outside its validity; enrol again",
    );
  }
}

function isSame(record: CertificateRecord, issuer: Issuer, certificate: Certificate): boolean {
  if (record.authorityId !== issuer.record.authorityId || record.certificate === undefined) return false;
  return Buffer.from(record.certificate).equals(certificate.raw);
}

const spiffeFleet = /^spiffe:\/\/[a-z0-9._-]+\/fleet\/([a-z0-9-]{1,32})\//;

/** Where to look for the authority that signed it: a claim, worth nothing until that authority's key has verified it. */
function namedFleet({ tbs }: Certificate): string | undefined {
  try {
    const names = decodedExtension(tbs, subjectAltName) ?? [];
    const [name] = names.filter(({ kind }) => kind === "uniformResourceIdentifier");
    return typeof name?.value === "string" ? spiffeFleet.exec(name.value)?.[1] : undefined;
  } catch (error) {
    if (isAppError(error)) return undefined;
    throw error;
  }
}

/**
 * The fleet comes from the credential. Two reads: the fleet's authorities and the certificate's record.
 * @param request.certificate PEM, as the transport saw it with proof of possession.
 * @throws AppError client_certificate_untrusted (malformed, another fleet's, unknown), client_certificate_expired,
 * client_certificate_revoked.
 */
export async function authenticateClientCertificate(
  app: KeylessApp,
  request: { readonly certificate: string },
): Promise<ClientIdentity> {
  const certificate = decodePresented(request.certificate);
  const fleet = namedFleet(certificate);
  if (fleet === undefined) throw untrusted();
  const fleetState = await findFleet(app, fleet);
  if (fleetState === undefined) throw untrusted();
  const issuer = await findIssuer(app, fleetState, certificate);
  checkInForce(app, certificate, issuer);
  const serialNumber = serialNumberHex(certificate.tbs.serialNumber);
  const record = await findCertificate(app, fleet, serialNumber);
  if (record === undefined || !isSame(record.value, issuer, certificate)) throw untrusted();
  const { state, subjectKind, subjectId, profile } = record.value;
  if (state === "revoked") {
    throw new AppError("client_certificate_revoked", "the client certificate is revoked; enrol again");
  }
  if (state !== "issued" || !isClientKind(subjectKind)) throw untrusted();
  return { kind: subjectKind, fleet, subjectId, serialNumber, profile, record, fleetState };
}

/**
 * The record of a certificate that this very fleet issued, whether it is in force, over or revoked: for those who
 * do not present it over TLS. One read.
 * @throws AppError client_certificate_untrusted.
 */
export async function recognise(
  app: KeylessApp,
  fleet: Fleet,
  pem: string,
): Promise<Stored<CertificateRecord>> {
  const certificate = decodePresented(pem);
  const issuer = await findIssuer(app, fleet, certificate);
  const serialNumber = serialNumberHex(certificate.tbs.serialNumber);
  const record = await findCertificate(app, fleet.record.fleet, serialNumber);
  if (record === undefined || !isSame(record.value, issuer, certificate)) throw untrusted();
  return record;
}
