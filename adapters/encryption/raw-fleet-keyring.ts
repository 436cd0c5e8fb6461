/** Room: adapters/encryption. Raw AES keyrings of the SDK: AES-256-GCM under a key that the caller has at hand. */
import type { KeyringNode } from "@aws-crypto/client-node";
import { type EncryptionSdk, encryptionSdk } from "./encryption-sdk.ts";
import { rawProvider } from "./wrapped-data-key.ts";

/**
 * `key` is copied; the SDK keeps its copies until the keyring is collected, the caller overwrites its own.
 * @param keyName Stands in every message.
 */
export function rawKeyring(sdk: EncryptionSdk, keyName: string, key: Uint8Array): KeyringNode {
  const unencryptedMasterKey = Uint8Array.from(key);
  try {
    return new sdk.RawAesKeyringNode({
      keyName,
      keyNamespace: rawProvider,
      unencryptedMasterKey,
      wrappingSuite: sdk.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
      utf8Sorting: true,
    });
  } finally {
    unencryptedMasterKey.fill(0);
  }
}

/** A generation of a fleet's wrapping key. */
export interface RawFleetKey {
  /** `local:{fleet}-protection:{n}`: the key's name in messages. */
  readonly keyId: string;
  /** 32 octets; overwritten as soon as the keyring has them. */
  readonly key: Buffer;
}

/**
 * The keyring of a fleet where its wrapping key is at hand.
 * @param openGeneration The key in force, or the one that is named. @throws AppError key_not_found (none of this
 * fleet), key_disabled.
 */
export function rawFleetKeyrings(
  openGeneration: (fleet: string, keyId?: string) => Promise<RawFleetKey>,
): (fleet: string, keyId?: string) => Promise<KeyringNode> {
  return async (fleet, keyId) => {
    const { keyId: keyName, key } = await openGeneration(fleet, keyId);
    try {
      return rawKeyring(await encryptionSdk(), keyName, key);
    } finally {
      key.fill(0);
    }
  };
}
