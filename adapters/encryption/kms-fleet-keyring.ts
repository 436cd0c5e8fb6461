/**
 * Room: adapters/encryption. The keyring of a fleet whose wrapping key is in KMS: what it writes is what the SDK's own
 * KMS keyring writes and reads, so a client with rights at KMS opens it without us. The SDK's keyring folds failures
 * of KMS into a text; this one asks the port, whose refusals say what they mean and who may use which key.
 */
import type {
  KeyringNode,
  NodeDecryptionMaterial,
  NodeEncryptionMaterial,
  EncryptedDataKey as SdkDataKey,
} from "@aws-crypto/client-node";
import type { WrappingKeys } from "../../core/ports.ts";
import { type EncryptionSdk, encryptionSdk } from "./encryption-sdk.ts";
import { kmsProvider } from "./wrapped-data-key.ts";

type Keys = Pick<WrappingKeys, "generate" | "unwrap">;

/**
 * Loads the SDK at once: that is a function's start, and not its first request.
 * @param wrappingKeys Of KMS: ids of keys are ARNs, wrapped keys what KMS answers.
 */
export function kmsFleetKeyrings(
  wrappingKeys: Keys,
): (fleet: string, keyId?: string) => Promise<KeyringNode> {
  const keyrings = encryptionSdk().then((sdk) => keyringClass(sdk, wrappingKeys));
  // Whoever asks for a keyring hears of it; a start that nobody has asked yet must not end the process.
  keyrings.catch(() => undefined);
  return async (fleet) => new (await keyrings)(fleet);
}

function keyringClass(sdk: EncryptionSdk, keys: Keys) {
  const {
    WRAPPING_KEY_GENERATED_DATA_KEY,
    WRAPPING_KEY_ENCRYPTED_DATA_KEY,
    WRAPPING_KEY_SIGNED_ENC_CTX,
    WRAPPING_KEY_DECRYPTED_DATA_KEY,
    WRAPPING_KEY_VERIFIED_ENC_CTX,
  } = sdk.KeyringTraceFlag;
  const wrapped = WRAPPING_KEY_ENCRYPTED_DATA_KEY | WRAPPING_KEY_SIGNED_ENC_CTX;
  const unwrapped = WRAPPING_KEY_DECRYPTED_DATA_KEY | WRAPPING_KEY_VERIFIED_ENC_CTX;

  class KmsFleetKeyring extends sdk.KeyringNode {
    readonly #fleet: string;

    constructor(fleet: string) {
      super();
      this.#fleet = fleet;
    }

    async _onEncrypt(material: NodeEncryptionMaterial): Promise<NodeEncryptionMaterial> {
      const {
        keyId,
        wrapped: octets,
        plaintext,
      } = await keys.generate(this.#fleet, material.encryptionContext);
      setKey(material, plaintext, keyId, WRAPPING_KEY_GENERATED_DATA_KEY | wrapped);
      const dataKey = { providerId: kmsProvider, providerInfo: keyId, encryptedDataKey: octets };
      return material.addEncryptedDataKey(new sdk.EncryptedDataKey(dataKey), wrapped);
    }

    async _onDecrypt(
      material: NodeDecryptionMaterial,
      dataKeys: SdkDataKey[],
    ): Promise<NodeDecryptionMaterial> {
      const [dataKey] = dataKeys;
      if (dataKey?.providerId !== kmsProvider) return material;
      const { providerInfo: keyId, encryptedDataKey } = dataKey;
      const key = { keyId, wrapped: encryptedDataKey };
      setKey(material, await keys.unwrap(this.#fleet, key, material.encryptionContext), keyId, unwrapped);
      return material;
    }
  }
  return KmsFleetKeyring;
}

/** The SDK wants a key in memory of its own, and makes copies that it overwrites; the two here are overwritten. */
function setKey(
  material: NodeEncryptionMaterial | NodeDecryptionMaterial,
  plaintext: Buffer,
  keyName: string,
  flags: number,
): void {
  const key = Uint8Array.from(plaintext);
  try {
    material.setUnencryptedDataKey(key, { keyNamespace: kmsProvider, keyName, flags });
  } finally {
    key.fill(0);
    plaintext.fill(0);
  }
}
