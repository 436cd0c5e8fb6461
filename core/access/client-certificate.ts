/**
 * Room: core/access. Which authority signed the presented certificate, whether it is in force, and whose it is.
 * The transport proves possession of the key and nothing else: API Gateway's mutual TLS never checks revocation.
 */
import { hash } from "node:crypto";
import { findFleet, type Issuer } from "../authority/issuer.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError, isAppError } from "../errors.ts";
import { decodePem } from "../formats/pem.ts";
import {
  type Certificate,
  decodeCertificate,
  verifyCertificateSignature,
} from "../formats/x509/certificate.ts";
import { serialNumberHex } from "../formats/x509/tbs-certificate.ts";
import type { App } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import type { ProfileId } from "../standard/profiles.ts";

export interface ClientIdentity {
  readonly kind: "device" | "operator";
  readonly fleet: string;
  readonly subjectId: string;
  readonly serialNumber: string;
  readonly profile: ProfileId;
  /** SHA-256 of the presented key's SubjectPublicKeyInfo, hexadecimal. */
  readonly keyFingerprint: string;
  /** Of the certificate's record when it was read. */
  readonly version: number;
}

function untrusted(): AppError {
  // One message for every reason: the caller learns nothing about other fleets.
  return new AppError(
    "client_certificate_untrusted",
    "the client certificate was not issued by this fleet; present one that this fleet issued",
  );
}

function decodePresented(app: App, pem: string): Certificate {
  try {
    return app.memo.get(`presented:${hash("sha256", pem)}`, () => {
      const [der] = decodePem(pem, "CERTIFICATE");
      if (der === undefined) throw untrusted();
      return decodeCertificate(der);
    });
  } catch (error) {
    if (isAppError(error)) throw untrusted();
    throw error;
  }
}

/** Signature checks of the same certificate by the same authority are remembered: bytes do not change. */
async function isSignedBy(app: App, certificate: Certificate, issuer: Issuer): Promise<boolean> {
  if (!Buffer.from(certificate.tbs.issuerRaw).equals(issuer.certificate.tbs.subjectRaw)) return false;
  const key = `signed-by:${issuer.publicKey.fingerprint}:${hash("sha256", certificate.raw)}`;
  return app.memo.get(key, () => verifyCertificateSignature(certificate, issuer.publicKey));
}

async function findIssuer(app: App, fleet: string, certificate: Certificate): Promise<Issuer> {
  const authorities = (await findFleet(app, fleet))?.authorities ?? [];
  for (const issuer of authorities) {
    const inUse = issuer.record.kind === "issuing" && issuer.record.state !== "retired";
    if (inUse && (await isSignedBy(app, certificate, issuer))) return issuer;
  }
  throw untrusted();
}

function checkInForce(app: App, certificate: Certificate, issuer: Issuer): void {
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

/**
 * Two reads: the fleet's authorities and the certificate's record.
 * @param request.certificate PEM, as the transport saw it with proof of possession.
 * @throws AppError client_certificate_untrusted (malformed, another fleet's, unknown), client_certificate_expired,
 * client_certificate_revoked.
 */
export async function authenticateClientCertificate(
  app: App,
  request: { readonly fleet: string; readonly certificate: string },
): Promise<ClientIdentity> {
  const certificate = decodePresented(app, request.certificate);
  const issuer = await findIssuer(app, request.fleet, certificate);
  checkInForce(app, certificate, issuer);
  const serialNumber = serialNumberHex(certificate.tbs.serialNumber);
  const stored = await findCertificate(app, request.fleet, serialNumber);
  if (stored === undefined || !isSame(stored.value, issuer, certificate)) throw untrusted();
  const { state, subjectKind, subjectId, profile, keyFingerprint } = stored.value;
  if (state === "revoked") {
    throw new AppError("client_certificate_revoked", "the client certificate is revoked; enrol again");
  }
  if (state !== "issued" || (subjectKind !== "device" && subjectKind !== "operator")) throw untrusted();
  const { fleet } = request;
  return {
    kind: subjectKind,
    fleet,
    subjectId,
    serialNumber,
    profile,
    keyFingerprint,
    version: stored.version,
  };
}
