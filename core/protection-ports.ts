/**
 * Room: core. What the product asks of the world to protect data at rest, as types only: a part of `ports.ts`, from
 * which it is imported. A fleet's wrapping key wraps subject keys, a subject key wraps data keys, and a data key
 * encrypts one message or a few: destroying a subject key makes unreadable what stands below it, and nothing else.
 */
import type { EncryptionContext } from "./protection-values.ts";
import type { DataKeyPairAlgorithm } from "./standard/protection.ts";

export type { EncryptionContext } from "./protection-values.ts";

/** A key as a fleet's wrapping key has wrapped it. */
export interface WrappedKey {
  /** Which wrapping key did: an ARN of KMS, or `local:{fleet}-protection:{generation}`. */
  readonly keyId: string;
  /** Opaque; only its own key and its own context open it. */
  readonly wrapped: Uint8Array;
}

/** The symmetric keys of fleets, which never leave the adapter. */
export interface WrappingKeys {
  /** Id of the key that wraps for the fleet from now on. @throws AppError key_not_found (no such fleet). */
  keyOf(fleet: string): Promise<string>;
  /**
   * 32 fresh random octets, in the clear and wrapped under the key in force.
   * @throws AppError key_not_found, key_disabled (also: to be destroyed), key_service_unavailable (worth a retry).
   */
  generate(fleet: string, context: EncryptionContext): Promise<WrappedKey & { readonly plaintext: Buffer }>;
  /**
   * The caller overwrites what it gets.
   * @throws AppError data_unreadable (not of this key, another context, a changed octet), key_not_found (the key is
   * gone, or none of this fleet), key_disabled, key_service_unavailable.
   */
  unwrap(fleet: string, key: WrappedKey, context: EncryptionContext): Promise<Buffer>;
  /**
   * The same key under the wrapping key in force and the context `to`; what it wraps leaves the service of keys never.
   * @throws AppError as `unwrap`.
   */
  rewrap(fleet: string, key: WrappedKey, from: EncryptionContext, to: EncryptionContext): Promise<WrappedKey>;
  /**
   * Nobody wraps or unwraps with any of the fleet's keys from now on; after `days` (7 to 30) they are gone for good.
   * Repeating it changes nothing. An adapter that keeps keys itself may destroy them at once.
   * @returns When the last of them will be gone, in milliseconds since the epoch.
   * @throws AppError request_invalid (days), key_service_unavailable.
   */
  scheduleDeletion(fleet: string, days: number): Promise<{ readonly deletionAt: number }>;
}

/** Key pairs that somebody else will hold. */
export interface DataKeyPairs {
  /** A fresh pair. The caller overwrites the private key. */
  make(algorithm: DataKeyPairAlgorithm): Promise<{
    /** SubjectPublicKeyInfo, PEM. */
    readonly publicKey: string;
    /** PKCS #8, DER. */
    readonly privateKey: Buffer;
  }>;
}

/** What wraps the data key of a message: the fleet's wrapping key itself, or a subject key. */
export type Wrapping =
  | { readonly kind: "fleet"; readonly fleet: string }
  | { readonly kind: "subject"; readonly keyName: string; readonly key: Buffer };

/** A wrapped data key as the AWS Encryption SDK has it (message format reference, "Encrypted data key(s)"). */
export interface EncryptedDataKey {
  readonly providerId: string;
  readonly providerInfo: Uint8Array;
  readonly encryptedDataKey: Uint8Array;
}

/** Who can open a data key, as it says of itself: nothing to be believed before it has been opened. */
export type NamedWrapping =
  | { readonly kind: "fleet"; readonly keyId: string }
  | { readonly kind: "subject"; readonly keyName: string }
  | { readonly kind: "foreign" };

export interface MessageHeader {
  readonly context: EncryptionContext;
  readonly wrapping: NamedWrapping;
}

/**
 * Messages of the AWS Encryption SDK, version 2: written in the suite with key commitment and without a signature
 * (ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY, 0x0478), read in that and in its signed sister (0x0578). What is not that,
 * has more than one wrapped data key or more frames than the standard's, or does not open with this very wrapping and context, is `data_unreadable`, in
 * one message for every reason.
 */
export interface MessageCipher {
  /** Of `message`, before anything is opened. @throws AppError data_unreadable. */
  headerOf(message: Uint8Array): MessageHeader;
  wrappingOf(wrapped: EncryptedDataKey): NamedWrapping;
  /** @throws AppError of WrappingKeys.generate for a fleet's own key. */
  encrypt(wrapping: Wrapping, plaintext: Uint8Array, context: EncryptionContext): Promise<Buffer>;
  /** @throws AppError data_unreadable; of WrappingKeys.unwrap for a fleet's own key. */
  decrypt(wrapping: Wrapping, message: Uint8Array, context: EncryptionContext): Promise<Buffer>;
  /** 32 fresh random octets and what opens them: the wrapped data key of messages that a client makes with it. */
  createDataKey(
    wrapping: Wrapping,
    context: EncryptionContext,
  ): Promise<{ readonly plaintext: Buffer; readonly wrapped: EncryptedDataKey }>;
  /** @throws AppError as `decrypt`. */
  unwrapDataKey(wrapping: Wrapping, wrapped: EncryptedDataKey, context: EncryptionContext): Promise<Buffer>;
}
