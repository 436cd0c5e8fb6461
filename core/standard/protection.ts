/**
 * Room: core/standard. Data at rest: what messages are made with, what a context may hold, how long keys in the clear
 * live, and how long what was destroyed could still be brought back.
 */

export const protectionStandard = {
  message: {
    format: "AWS Encryption SDK message format, version 2",
    suite: "AES-256-GCM, HKDF-SHA-512, key commitment (0x0478)",
    /** Octets of plaintext in one request; a Lambda invocation takes 6 MB, base64 makes four octets of three. */
    plaintextBytes: 4_000_000,
    /** One wrapped data key: whoever else could open a message would survive its shredding. */
    encryptedDataKeys: 1,
    /** Octets of plaintext in one frame. */
    frameBytes: 1_048_576,
    /** Frames of a message that the service opens: each costs as much as some kilobytes; others write 4,096 octets in one. */
    frames: 8_192,
    citation: "SP 800-38D; SP 800-57 Part 1 r5 §5.6; AWS Encryption SDK, algorithm suites",
  },
  context: {
    /** Always there. */
    required: ["fleet", "purpose", "subject"] as const,
    /** More members than the required ones. */
    extraMembers: 8,
    nameCharacters: 32,
    valueCharacters: 128,
    /** Purposes with this prefix are the service's own. */
    reservedPurpose: "fleetkey-",
    citation: "45 CFR 164.514(b)(2)(i); SP 800-38D §5.2.1.1",
  },
  /** Days after which new data of a subject go under a new version of its key (SP 800-57 Part 1 r5 §5.3.6). */
  subjectKeyDays: 730,
  /** Versions of a subject's key: with a tombstone they are destroyed in one transaction. */
  subjectKeyVersions: 90,
  /** Subject keys in the memory of a function. */
  serviceCache: { maximumAgeSeconds: 300, keys: 1_000 },
  /** Data keys in the memory of a client of ours: defaults, and what it never exceeds. */
  clientCache: {
    ageSeconds: { default: 60, maximum: 300 },
    messages: { default: 1_000, maximum: 1_000_000 },
    bytes: { default: 64_000_000, maximum: 68_719_476_736 },
    keys: { default: 1_000, maximum: 100_000 },
    citation: "SP 800-38D §8.3; 45 CFR 164.312(a)(2)(iv)",
  },
  /** Days in which an administrator could restore destroyed subject keys from the table's own recovery window. */
  keyRecoveryDays: { default: 7, maximum: 35 },
  /** Days from the shredding of a fleet to the end of its wrapping keys: the shortest that KMS takes. */
  fleetDeletionDays: 7,
  /** Characters of the reason that an operator gives for reading protected data. */
  reasonCharacters: 500,
  /** Octets of a message that an operator may have decrypted. */
  operatorMessageBytes: 32_000,
} as const;

/** How the data keys of a purpose are wrapped: under a key of the subject, or under the fleet's own. */
export type PurposeWrapping = "subject" | "fleet";

/** Of key pairs whose private key is given out wrapped alone. */
export const dataKeyPairAlgorithms = ["P-256", "P-384", "Ed25519", "RSA-3072"] as const;
export type DataKeyPairAlgorithm = (typeof dataKeyPairAlgorithms)[number];
