/** Room: core/standard. How long each kind of key or secret is used, by whom. */
import { enrollmentTokenStandard } from "./enrollment-token.ts";
import { type Profile, profiles } from "./profiles.ts";
import { tlsSettings } from "./transport.ts";

export interface Cryptoperiod {
  readonly kind: string;
  /** Days that the key may protect new data: sign, encrypt, authenticate. */
  readonly originatorDays: number;
  /** Days that others may still rely on what it protected, from the key's first use. */
  readonly recipientDays: number;
  readonly reason: string;
  readonly citation: string;
}

const secondsPerDay = 86_400;
const keyTypes = "SP 800-57 Part 1 r5 §5.3.6";

/** No certificate outlives its issuer, so an authority stops signing one subject's life before its own end. */
function authority(kind: string, own: Profile, longestSubject: Profile): Cryptoperiod {
  return {
    kind,
    originatorDays: own.maximumDays - longestSubject.maximumDays,
    recipientDays: own.maximumDays,
    reason: `replaced while a whole "${longestSubject.id}" validity is left, so that no certificate is cut short`,
    citation: keyTypes,
  };
}

function endEntity(kind: string, profile: Profile): Cryptoperiod {
  return {
    kind,
    originatorDays: profile.maximumDays,
    recipientDays: profile.maximumDays,
    reason: "a fresh key with every certificate",
    citation: keyTypes,
  };
}

function secret(kind: string, seconds: number, reason: string, citation: string): Cryptoperiod {
  const days = seconds / secondsPerDay;
  return { kind, originatorDays: days, recipientDays: days, reason, citation };
}

/** NIST suggests 1 to 3 years for private signature keys, 1 to 2 for authentication keys. */
export const cryptoperiods = {
  // Longer than the suggestion: a root is the one key that devices in the field cannot be told to forget at will.
  root: authority("root authority key", profiles.root, profiles.issuing),
  issuing: authority("issuing authority key", profiles.issuing, profiles.device),
  ocspResponder: {
    kind: "OCSP responder key",
    originatorDays: 365,
    recipientDays: 379,
    reason: "it never leaves the key service; its certificates carry id-pkix-ocsp-nocheck and live 14 days",
    citation: `${keyTypes}; RFC 6960 §4.2.2.2.1`,
  },
  trustManifestSigner: {
    kind: "trust manifest signing key",
    originatorDays: 365,
    recipientDays: 1095,
    reason: "devices that were off for two years still accept the manifest that brings them up to date",
    citation: keyTypes,
  },
  dataEncryption: {
    kind: "data encryption key",
    originatorDays: 730,
    recipientDays: 1825,
    reason: "two years of encryption, three more of decryption while data is re-encrypted",
    citation: keyTypes,
  },
  keyEncryption: {
    kind: "key wrapping key",
    originatorDays: 365,
    recipientDays: 1825,
    reason: "KMS rotates the wrapping key every year and keeps the old ones for unwrapping",
    citation: `${keyTypes}; 45 CFR 164.312(a)(2)(iv)`,
  },
  device: endEntity("device key", profiles.device),
  server: endEntity("server key", profiles.server),
  operator: endEntity("operator key", profiles.operator),
  enrollmentToken: secret(
    "enrolment token",
    enrollmentTokenStandard.maximumSeconds,
    "one use; a token that was not used in a month was lost",
    enrollmentTokenStandard.citation,
  ),
  tlsSession: secret(
    "TLS session ticket",
    tlsSettings.sessionTimeout,
    "it relies on the first handshake's proof of key; status is checked with every request",
    "RFC 8446 §4.6.1",
  ),
} as const satisfies Readonly<Record<string, Cryptoperiod>>;
