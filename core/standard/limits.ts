/** Room: core/standard. Sizes, shapes and counts that certificates are held to. */

export interface Limit {
  readonly value: number;
  readonly unit: string;
  readonly citation: string;
}

const limit = (value: number, unit: string, citation: string): Limit => ({ value, unit, citation });

export const limits = {
  serialNumberOctets: limit(20, "octets at most", "RFC 5280 §4.1.2.2"),
  // 64 bits of randomness; a serial of 127 random bits is shorter than this once in 2^63.
  serialNumberBits: limit(64, "bits at least", "CA/Browser Forum Baseline Requirements §7.1"),
  commonNameCharacters: limit(64, "characters at most", "RFC 5280 Appendix A.1 (ub-common-name)"),
  organizationCharacters: limit(64, "characters at most", "RFC 5280 Appendix A.1 (ub-organization-name)"),
  serialNumberAttributeCharacters: limit(
    64,
    "characters at most",
    "RFC 5280 Appendix A.1 (ub-serial-number)",
  ),
  dnsNameOctets: limit(253, "octets at most", "RFC 1035 §2.3.4"),
  dnsLabelOctets: limit(63, "octets at most", "RFC 1035 §2.3.4"),
  // The longest common name, so that a device identifier always fits in one.
  identifierCharacters: limit(64, "characters at most", "RFC 5280 Appendix A.1 (ub-common-name)"),
  fleetCharacters: limit(
    32,
    "characters at most",
    "RFC 5280 Appendix A.1 (ub-common-name: fleet and authority share one)",
  ),
  spiffeIdOctets: limit(2_048, "octets at most", "SPIFFE-ID §2.3"),
  subjectAltNames: limit(64, "names at most", "product limit: a certificate stays within one TLS record"),
  renewalsPerCertificate: limit(
    8,
    "successors at most",
    "product limit: room for a device that loses an answer, not for a stolen key to multiply",
  ),
} as const satisfies Readonly<Record<string, Limit>>;
