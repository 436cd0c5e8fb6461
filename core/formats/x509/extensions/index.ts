/** Room: core/formats. All extension types, and the table that finds one by its OID. */
import type { ExtensionType } from "../extension.ts";
import { authorityInfoAccess } from "./authority-info-access.ts";
import { authorityKeyIdentifier } from "./authority-key-identifier.ts";
import { basicConstraints } from "./basic-constraints.ts";
import { certificatePolicies } from "./certificate-policies.ts";
import { crlDistributionPoints } from "./crl-distribution-points.ts";
import { extendedKeyUsage } from "./extended-key-usage.ts";
import { issuerAltName } from "./issuer-alt-name.ts";
import { keyUsage } from "./key-usage.ts";
import { nameConstraints } from "./name-constraints.ts";
import { noRevAvail } from "./no-rev-avail.ts";
import { ocspNoCheck } from "./ocsp-no-check.ts";
import { subjectAltName } from "./subject-alt-name.ts";
import { subjectKeyIdentifier } from "./subject-key-identifier.ts";

export { type AccessDescription, accessMethods, authorityInfoAccess } from "./authority-info-access.ts";
export { type AuthorityKeyIdentifier, authorityKeyIdentifier } from "./authority-key-identifier.ts";
export { type BasicConstraints, basicConstraints } from "./basic-constraints.ts";
export { certificatePolicies, type PolicyInformation } from "./certificate-policies.ts";
export { crlDistributionPoints, type DistributionPoint } from "./crl-distribution-points.ts";
export { crlNumber } from "./crl-number.ts";
export { crlReason } from "./crl-reason.ts";
export { extendedKeyUsage, type KeyPurpose, keyPurposes } from "./extended-key-usage.ts";
export { issuerAltName } from "./issuer-alt-name.ts";
export { type IssuingDistributionPoint, issuingDistributionPoint } from "./issuing-distribution-point.ts";
export { type KeyUsageBit, keyUsage, keyUsageBits } from "./key-usage.ts";
export { type NameConstraints, nameConstraints } from "./name-constraints.ts";
export { noRevAvail } from "./no-rev-avail.ts";
export { ocspNoCheck } from "./ocsp-no-check.ts";
export { subjectAltName } from "./subject-alt-name.ts";
export { subjectKeyIdentifier } from "./subject-key-identifier.ts";

const types: readonly ExtensionType<unknown>[] = [
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  crlDistributionPoints,
  extendedKeyUsage,
  issuerAltName,
  keyUsage,
  nameConstraints,
  noRevAvail,
  ocspNoCheck,
  subjectAltName,
  subjectKeyIdentifier,
];

/** Every extension type of certificates that we read and write, by dotted OID. Those of CRLs are none of them. */
export const extensionTypes: ReadonlyMap<string, ExtensionType<unknown>> = new Map(
  types.map((type) => [type.oid, type]),
);
