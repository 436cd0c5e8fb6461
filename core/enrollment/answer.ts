/** Room: core/enrollment. What a requester receives for an issued certificate. */
import { chainOf, type Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { encodePem } from "../formats/pem.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { profiles } from "../standard/profiles.ts";

export interface IssuedCertificate {
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM of the issuing authorities, nearest first, the root left out. */
  readonly chain: string;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly renewAfter: string;
}

/** When renewal is due: the profile's fraction of the validity, to the second, ISO 8601. */
export function renewAfter(record: CertificateRecord): string {
  const fraction = profiles[record.profile].renewAfterFraction;
  const due = record.notBefore + (record.notAfter - record.notBefore) * fraction;
  return isoSeconds(Math.floor(due / 1000) * 1000);
}

export function isoSeconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
}

export function chainPem(fleet: Fleet, authorityId: string): string {
  return chainOf(fleet, authorityId)
    .map(({ certificate }) => encodePem("CERTIFICATE", certificate.raw))
    .join("");
}

export function certificatePem(record: CertificateRecord): string {
  if (record.certificate === undefined)
    throw new AppError("internal", `${record.serialNumber} has no certificate`);
  return encodePem("CERTIFICATE", record.certificate);
}

export function issuedCertificate(fleet: Fleet, record: CertificateRecord): IssuedCertificate {
  return {
    serialNumber: record.serialNumber,
    certificate: certificatePem(record),
    chain: chainPem(fleet, record.authorityId),
    notBefore: isoSeconds(record.notBefore),
    notAfter: isoSeconds(record.notAfter),
    renewAfter: renewAfter(record),
  };
}
