/** Room: core/enrollment. What a requester receives for an issued certificate. */
import { chainCertificates, type Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { encodePem } from "../formats/pem.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { renewalTime } from "./renewal-time.ts";

/** The answer to enrolment and renewal. */
export interface IssuedCertificate {
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM of the issuing authorities, nearest first, then cross certificates of their root; the root left out. */
  readonly chain: string;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly renewAfter: string;
}

/** When renewal is due, see `renewalTime`: to the second, ISO 8601. */
export function renewAfter(record: CertificateRecord): string {
  return isoSeconds(renewalTime(record));
}

/** `time`, milliseconds since the epoch, as ISO 8601 in UTC, cut to the second: `2026-03-01T12:00:00Z`. */
export function isoSeconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** PEM of `chainCertificates`. */
export function chainPem(fleet: Fleet, authorityId: string): string {
  return chainCertificates(fleet, authorityId)
    .map((raw) => encodePem("CERTIFICATE", raw))
    .join("");
}

/** PEM of one certificate. @throws AppError internal for an intent, which has none yet. */
export function certificatePem(record: CertificateRecord): string {
  if (record.certificate === undefined)
    throw new AppError("internal", `${record.serialNumber} has no certificate`);
  return encodePem("CERTIFICATE", record.certificate);
}

/** @throws AppError internal for an intent, which has no certificate yet. */
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
