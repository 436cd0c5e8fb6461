/** Room: core/standard. Data in motion: TLS as every listener and client of the product sets it up. */

export interface TlsSettings {
  readonly minVersion: "TLSv1.2";
  readonly maxVersion: "TLSv1.3";
  /** OpenSSL cipher list, TLS 1.3 suites first. */
  readonly ciphers: string;
  readonly honorCipherOrder: true;
  /** OpenSSL group list. */
  readonly ecdhCurve: string;
  /** OpenSSL signature algorithm list. */
  readonly sigalgs: string;
  /** Seconds that a session may be resumed. */
  readonly sessionTimeout: number;
  readonly citation: string;
}

// SP 800-52 r2 §3.3.1 and RFC 9325 §4.2: forward secrecy and authenticated encryption only.
const suites = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
];

// The hybrid first: what is recorded today must not be read by a quantum computer later.
const groups = ["X25519MLKEM768", "P-256", "P-384", "X25519"];

// No SHA-1 (RFC 9155). ML-DSA stands for devices whose certificates carry it.
const signatureSchemes = [
  "ecdsa_secp384r1_sha384",
  "ecdsa_secp256r1_sha256",
  "ed25519",
  "mldsa87",
  "mldsa65",
  "mldsa44",
  "rsa_pss_rsae_sha512",
  "rsa_pss_rsae_sha384",
  "rsa_pss_rsae_sha256",
  "rsa_pkcs1_sha512",
  "rsa_pkcs1_sha384",
  "rsa_pkcs1_sha256",
];

/** Options for node:tls and node:https; everything but `citation` is passed as it stands. */
export const tlsSettings: TlsSettings = {
  // RFC 8996: TLS 1.0 and 1.1 are out of use.
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers: suites.join(":"),
  honorCipherOrder: true,
  ecdhCurve: groups.join(":"),
  sigalgs: signatureSchemes.join(":"),
  // RFC 8446 §4.6.1 allows seven days; an hour keeps a revoked device from resuming for long.
  sessionTimeout: 3_600,
  citation: "SP 800-52 r2 §3; RFC 9325 §3, §4; RFC 8996; RFC 9155; RFC 8446 §4.6.1; 45 CFR 164.312(e)(2)(ii)",
};
