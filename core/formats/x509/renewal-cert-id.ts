/** Room: core/formats. The name of a certificate in questions about its renewal (RFC 9773 §4.1). */
import { AppError } from "../../errors.ts";
import { isMinimalInteger } from "../der/structure.ts";
import type { Certificate } from "./certificate.ts";
import { decodedExtension } from "./extension.ts";
import { authorityKeyIdentifier } from "./extensions/authority-key-identifier.ts";
import { serialNumberHex } from "./tbs-certificate.ts";

export interface RenewalCertId {
  /** Octets of the authority key identifier's keyIdentifier. */
  readonly keyIdentifier: Buffer;
  /** As `serialNumberHex` writes it. */
  readonly serialNumber: string;
}

function octetsOf(text: string): Buffer | undefined {
  const octets = Buffer.from(text, "base64url");
  // One spelling of each: no padding, no other alphabet, no bits beyond the last octet (RFC 4648 §3.5).
  return octets.length > 0 && octets.toString("base64url") === text ? octets : undefined;
}

const certIdCharacters = 128;

/** RFC 5280 §4.1.2.2: positive, of at most 20 octets. */
const isSerial = (content: Uint8Array): boolean =>
  content.length <= 20 && isMinimalInteger(content, 0, content.length) && (content[0] ?? 0) < 0x80;

/**
 * Of base64url of the keyIdentifier, a dot, base64url of the serial number's INTEGER content.
 * @throws AppError request_invalid.
 */
export function parseRenewalCertId(certId: string): RenewalCertId {
  const parts = certId.length > certIdCharacters ? [] : certId.split(".");
  const [keyIdentifier, serial] = parts.map(octetsOf);
  if (parts.length !== 2 || keyIdentifier === undefined || serial === undefined || !isSerial(serial))
    throw new AppError(
      "request_invalid",
      "certId is not base64url of the authority key identifier, a dot, and base64url of the serial number (RFC 9773 §4.1); leave out padding",
    );
  return { keyIdentifier, serialNumber: serialNumberHex(serial) };
}

/** The octets by which `certificate` names its issuer's key; undefined where it does not. */
export const issuerKeyIdentifier = ({ tbs }: Certificate): Uint8Array | undefined =>
  decodedExtension(tbs, authorityKeyIdentifier)?.keyIdentifier;

/** The certificate's certId; undefined for one that has no authority key identifier. */
export function renewalCertIdOf(certificate: Certificate): string | undefined {
  const identifier = issuerKeyIdentifier(certificate);
  if (identifier === undefined) return undefined;
  return [identifier, certificate.tbs.serialNumber]
    .map((octets) => Buffer.from(octets).toString("base64url"))
    .join(".");
}
