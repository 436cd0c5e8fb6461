/** Authorities of device makers for tests, made by test keys; `spoiled` says in what one differs from a good one. */
import { name } from "../../core/formats/name.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { type Extension, extension } from "../../core/formats/x509/extension.ts";
import { basicConstraints, keyUsage } from "../../core/formats/x509/extensions/index.ts";
import type { TbsCertificateTemplate } from "../../core/formats/x509/tbs-certificate.ts";
import type { ManufacturerTrust } from "../../core/records/fleet-configuration.ts";
import {
  type Authority,
  makeAuthority,
  rootTemplate,
  signCertificate,
} from "../formats/x509/certificate-maker.ts";

export const makerKey: Authority = makeAuthority("P-256");

/** RFC 5280 §4.1.2.5: no expiry, as IEEE 802.1AR certificates have it. */
export const noExpiry = Date.UTC(9999, 11, 31, 23, 59, 59);

/** PEM. */
export function makerPem(spoiled: Partial<TbsCertificateTemplate> = {}, key: Authority = makerKey): string {
  const template = { ...rootTemplate(key), subject: name([["commonName", "maker root 1"]]), ...spoiled };
  return encodePem("CERTIFICATE", signCertificate(key, template));
}

export const maker = (id = "maker-1", certificate = makerPem()): ManufacturerTrust => ({
  id,
  certificate,
  identifier: "serialNumber",
});

const authority = extension(basicConstraints, { cA: true }, true);
export const makerExtensions = {
  endEntity: [
    extension(basicConstraints, { cA: false }, true),
    extension(keyUsage, new Set(["digitalSignature"] as const), true),
  ],
  withoutKeyUsage: [authority],
  revocationOnly: [authority, extension(keyUsage, new Set(["cRLSign"] as const), true)],
  none: [],
} satisfies Record<string, readonly Extension[]>;
