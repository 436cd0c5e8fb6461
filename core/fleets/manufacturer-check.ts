/** Room: core/fleets. What an authority of a device maker must be before a fleet lets in what it has signed. */
import { AppError, isAppError } from "../errors.ts";
import { decodePem } from "../formats/pem.ts";
import { decodeSubjectPublicKey } from "../formats/spki.ts";
import { checkKeyStrength } from "../formats/weak-keys.ts";
import { type Certificate, decodeCertificate } from "../formats/x509/certificate.ts";
import { decodedExtension } from "../formats/x509/extension.ts";
import { basicConstraints } from "../formats/x509/extensions/basic-constraints.ts";
import { keyUsage } from "../formats/x509/extensions/key-usage.ts";
import type { ManufacturerTrust } from "../records/fleet-configuration.ts";

function refuse(message: string): never {
  throw new AppError("request_invalid", message);
}

function onlyCertificate(pem: string): Certificate {
  const [der, ...others] = decodePem(pem, "CERTIFICATE");
  if (der === undefined || others.length > 0)
    refuse(`PEM holds ${der === undefined ? 0 : 1 + others.length} certificates; give exactly 1`);
  return decodeCertificate(der);
}

function checkAuthority(pem: string, now: number): Certificate {
  const certificate = onlyCertificate(pem);
  const { validity, subjectPublicKeyInfo } = certificate.tbs;
  checkKeyStrength(decodeSubjectPublicKey(subjectPublicKeyInfo));
  // RFC 5280 §4.2.1.9, §4.2.1.3: both are in every certificate of an authority.
  if (decodedExtension(certificate.tbs, basicConstraints)?.cA !== true)
    refuse("the certificate is no authority's; give the one that signed the devices' own");
  if (decodedExtension(certificate.tbs, keyUsage)?.has("keyCertSign") !== true)
    refuse("the certificate may not sign others; give the one that signed the devices' own");
  if (validity.notAfter + 999 < now) refuse("the certificate has expired; give one in force");
  if (validity.notBefore > now) refuse("the certificate is not in force yet; give one that is");
  return certificate;
}

/**
 * @returns What tells two authorities apart: the subject and the key.
 * @throws AppError request_invalid, pem_malformed, certificate_malformed, key_*, with the entry's id before the reason.
 */
export function checkManufacturer({ id, certificate }: ManufacturerTrust, now: number): string {
  try {
    const { subjectRaw, subjectPublicKeyInfo } = checkAuthority(certificate, now).tbs;
    return [subjectRaw, subjectPublicKeyInfo].map((octets) => Buffer.from(octets).toString("hex")).join(" ");
  } catch (error) {
    if (!isAppError(error)) throw error;
    throw new AppError(error.code, `manufacturer "${id}": ${error.message}`);
  }
}
