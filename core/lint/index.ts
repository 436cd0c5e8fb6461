/** Room: core/lint. Every rule, in the order in which findings are reported: the fields, then the extensions. */
import type { LintRule } from "./rule.ts";
import { authorityInfoAccessHttp } from "./rules/authority-info-access-http.ts";
import { authorityInfoAccessNonCritical } from "./rules/authority-info-access-non-critical.ts";
import { authorityKeyIdentifierMatches } from "./rules/authority-key-identifier-matches.ts";
import { authorityKeyIdentifierNonCritical } from "./rules/authority-key-identifier-non-critical.ts";
import { authorityKeyIdentifierPresent } from "./rules/authority-key-identifier-present.ts";
import { basicConstraintsCritical } from "./rules/basic-constraints-critical.ts";
import { basicConstraintsProfile } from "./rules/basic-constraints-profile.ts";
import { caSubjectNotEmpty } from "./rules/ca-subject-not-empty.ts";
import { certificatePoliciesAnyPolicy } from "./rules/certificate-policies-any-policy.ts";
import { commonNameLength } from "./rules/common-name-length.ts";
import { countryNameCode } from "./rules/country-name-code.ts";
import { crlDistributionPointsHttp } from "./rules/crl-distribution-points-http.ts";
import { crlDistributionPointsNonCritical } from "./rules/crl-distribution-points-non-critical.ts";
import { crlSignCaOnly } from "./rules/crl-sign-ca-only.ts";
import { ecKeyUsage } from "./rules/ec-key-usage.ts";
import { ed25519KeyUsage } from "./rules/ed25519-key-usage.ts";
import { extendedKeyUsageAny } from "./rules/extended-key-usage-any.ts";
import { extendedKeyUsageConsistent } from "./rules/extended-key-usage-consistent.ts";
import { extendedKeyUsageSingle } from "./rules/extended-key-usage-single.ts";
import { extensionDecodes } from "./rules/extension-decodes.ts";
import { extensionKnownIfCritical } from "./rules/extension-known-if-critical.ts";
import { extensionSingle } from "./rules/extension-single.ts";
import { issuerAltNameNonCritical } from "./rules/issuer-alt-name-non-critical.ts";
import { issuerIsCa } from "./rules/issuer-is-ca.ts";
import { issuerNameChain } from "./rules/issuer-name-chain.ts";
import { issuerNotEmpty } from "./rules/issuer-not-empty.ts";
import { keyAgreementOnlyBits } from "./rules/key-agreement-only-bits.ts";
import { keyCertSignCaOnly } from "./rules/key-cert-sign-ca-only.ts";
import { keyUsageCritical } from "./rules/key-usage-critical.ts";
import { keyUsageInCa } from "./rules/key-usage-in-ca.ts";
import { mlDsaKeyUsage } from "./rules/ml-dsa-key-usage.ts";
import { nameConstraintsCaOnly } from "./rules/name-constraints-ca-only.ts";
import { nameConstraintsCritical } from "./rules/name-constraints-critical.ts";
import { noRevAvailEndEntity } from "./rules/no-rev-avail-end-entity.ts";
import { noRevAvailExclusive } from "./rules/no-rev-avail-exclusive.ts";
import { noRevAvailNonCritical } from "./rules/no-rev-avail-non-critical.ts";
import { ocspNoCheckResponder } from "./rules/ocsp-no-check-responder.ts";
import { pathLengthCaOnly } from "./rules/path-length-ca-only.ts";
import { pathLengthIssuer } from "./rules/path-length-issuer.ts";
import { pathLengthProfile } from "./rules/path-length-profile.ts";
import { rsaModulusSize } from "./rules/rsa-modulus-size.ts";
import { sanCriticalIfSubjectEmpty } from "./rules/san-critical-if-subject-empty.ts";
import { sanDnsReservedLabel } from "./rules/san-dns-reserved-label.ts";
import { sanDnsSyntax } from "./rules/san-dns-syntax.ts";
import { sanDnsWildcard } from "./rules/san-dns-wildcard.ts";
import { sanPersonalData } from "./rules/san-personal-data.ts";
import { sanPresent } from "./rules/san-present.ts";
import { sanSingle } from "./rules/san-single.ts";
import { sanSpiffeId } from "./rules/san-spiffe-id.ts";
import { sanUriAbsolute } from "./rules/san-uri-absolute.ts";
import { serialNumberEntropy } from "./rules/serial-number-entropy.ts";
import { serialNumberLength } from "./rules/serial-number-length.ts";
import { serialNumberPositive } from "./rules/serial-number-positive.ts";
import { serverCommonNameInSan } from "./rules/server-common-name-in-san.ts";
import { signatureAlgorithmIssuerKey } from "./rules/signature-algorithm-issuer-key.ts";
import { signatureAlgorithmKnown } from "./rules/signature-algorithm-known.ts";
import { subjectAttributeEncoding } from "./rules/subject-attribute-encoding.ts";
import { subjectAttributePersonalData } from "./rules/subject-attribute-personal-data.ts";
import { subjectAttributeSingle } from "./rules/subject-attribute-single.ts";
import { subjectKeyIdentifierDerived } from "./rules/subject-key-identifier-derived.ts";
import { subjectKeyIdentifierInCa } from "./rules/subject-key-identifier-in-ca.ts";
import { subjectKeyIdentifierNonCritical } from "./rules/subject-key-identifier-non-critical.ts";
import { subjectPublicKeyDiffers } from "./rules/subject-public-key-differs.ts";
import { subjectPublicKeyKnown } from "./rules/subject-public-key-known.ts";
import { subjectPublicKeyPermitted } from "./rules/subject-public-key-permitted.ts";
import { uniqueIdentifiersAbsent } from "./rules/unique-identifiers-absent.ts";
import { validityDuration } from "./rules/validity-duration.ts";
import { validityEncoding } from "./rules/validity-encoding.ts";
import { validityOrder } from "./rules/validity-order.ts";
import { validityWithinIssuer } from "./rules/validity-within-issuer.ts";
import { version3 } from "./rules/version-3.ts";

export type { LintContext, LintFinding, LintRule, LintSubject } from "./rule.ts";

export const lintRules: readonly LintRule[] = [
  version3,
  serialNumberPositive,
  serialNumberLength,
  serialNumberEntropy,
  signatureAlgorithmKnown,
  signatureAlgorithmIssuerKey,
  issuerNotEmpty,
  issuerNameChain,
  issuerIsCa,
  caSubjectNotEmpty,
  validityOrder,
  validityEncoding,
  validityDuration,
  validityWithinIssuer,
  uniqueIdentifiersAbsent,
  subjectPublicKeyKnown,
  subjectPublicKeyPermitted,
  subjectPublicKeyDiffers,
  rsaModulusSize,
  subjectAttributeEncoding,
  subjectAttributeSingle,
  subjectAttributePersonalData,
  commonNameLength,
  countryNameCode,
  serverCommonNameInSan,
  extensionSingle,
  extensionDecodes,
  extensionKnownIfCritical,
  authorityKeyIdentifierPresent,
  authorityKeyIdentifierMatches,
  authorityKeyIdentifierNonCritical,
  subjectKeyIdentifierInCa,
  subjectKeyIdentifierDerived,
  subjectKeyIdentifierNonCritical,
  keyUsageInCa,
  keyUsageCritical,
  keyCertSignCaOnly,
  crlSignCaOnly,
  ecKeyUsage,
  ed25519KeyUsage,
  mlDsaKeyUsage,
  keyAgreementOnlyBits,
  extendedKeyUsageConsistent,
  extendedKeyUsageAny,
  extendedKeyUsageSingle,
  basicConstraintsProfile,
  basicConstraintsCritical,
  pathLengthCaOnly,
  pathLengthProfile,
  pathLengthIssuer,
  sanPresent,
  sanCriticalIfSubjectEmpty,
  sanSingle,
  sanUriAbsolute,
  sanDnsSyntax,
  sanDnsReservedLabel,
  sanDnsWildcard,
  sanPersonalData,
  sanSpiffeId,
  issuerAltNameNonCritical,
  nameConstraintsCritical,
  nameConstraintsCaOnly,
  certificatePoliciesAnyPolicy,
  authorityInfoAccessNonCritical,
  authorityInfoAccessHttp,
  crlDistributionPointsNonCritical,
  crlDistributionPointsHttp,
  noRevAvailNonCritical,
  noRevAvailEndEntity,
  noRevAvailExclusive,
  ocspNoCheckResponder,
];
