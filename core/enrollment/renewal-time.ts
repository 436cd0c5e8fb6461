/**
 * Room: core/enrollment. When a certificate is to be renewed. Each has its own place, which follows from its serial
 * number alone, so that a fleet that was enrolled at once never renews at once.
 */
import { hash } from "node:crypto";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { profiles } from "../standard/profiles.ts";
import { rotationStandard } from "../standard/rotation.ts";

export type RenewedCertificate = Pick<
  CertificateRecord,
  "notBefore" | "notAfter" | "profile" | "serialNumber"
>;

/** 48 bits are exact in a double, and far finer than any life has milliseconds. */
const placeBytes = 6;

/** Place of the certificate among all: from 0 on, below 1, evenly spread, the same for ever. */
export function renewalPlace(serialNumber: string): number {
  const digest = hash("sha256", serialNumber, "buffer");
  return digest.readUIntBE(0, placeBytes) / 2 ** (8 * placeBytes);
}

/**
 * Milliseconds since the epoch from which the certificate is to be renewed: the profile's share of its life, and for
 * a device up to `rotationStandard.renewalSpread` of that life sooner, each at its own place.
 */
export function renewalTime({ notBefore, notAfter, profile, serialNumber }: RenewedCertificate): number {
  const { renewAfterFraction } = profiles[profile];
  // Servers and people are few, and are told one by one; a device in quarantine renews when it is let out.
  const spread = profile === "device" ? rotationStandard.renewalSpread * renewalPlace(serialNumber) : 0;
  return Math.floor(notBefore + (notAfter - notBefore) * (renewAfterFraction - spread));
}
