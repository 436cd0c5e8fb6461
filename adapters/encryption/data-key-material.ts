/**
 * Room: adapters/encryption. Data keys without a message: what a client gets to make messages with, wrapped exactly as
 * a message carries it.
 */
import type { KeyringNode } from "@aws-crypto/client-node";
import type { EncryptedDataKey, EncryptionContext } from "../../core/ports.ts";
import type { EncryptionSdk } from "./encryption-sdk.ts";
import { fromSdk, toSdk } from "./wrapped-data-key.ts";

// Both committed suites have data keys of 32 octets, and wrapped data keys do not say for which they are.
const suiteOf = (sdk: EncryptionSdk) =>
  new sdk.NodeAlgorithmSuite(sdk.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY);

/** A copy: the SDK's own is overwritten with its material. */
function copyOf(
  sdk: EncryptionSdk,
  key: ReturnType<InstanceType<EncryptionSdk["NodeDecryptionMaterial"]>["getUnencryptedDataKey"]>,
): Buffer {
  const octets = sdk.unwrapDataKey(key);
  const copy = Buffer.alloc(octets.byteLength);
  copy.set(octets);
  // Exported from a KeyObject, so another copy again.
  if (octets !== key) octets.fill(0);
  return copy;
}

export async function createDataKey(
  sdk: EncryptionSdk,
  keyring: KeyringNode,
  context: EncryptionContext,
): Promise<{ readonly plaintext: Buffer; readonly wrapped: EncryptedDataKey }> {
  const material = new sdk.NodeEncryptionMaterial(suiteOf(sdk), { ...context });
  try {
    await keyring.onEncrypt(material);
    const [wrapped] = material.encryptedDataKeys;
    if (wrapped === undefined) throw new Error("the keyring has not wrapped");
    return { plaintext: copyOf(sdk, material.getUnencryptedDataKey()), wrapped: fromSdk(wrapped) };
  } finally {
    material.zeroUnencryptedDataKey();
  }
}

/** Fails with what the keyring throws, or with an error of the SDK where the keyring has not unwrapped. */
export async function unwrapDataKey(
  sdk: EncryptionSdk,
  keyring: KeyringNode,
  wrapped: EncryptedDataKey,
  context: EncryptionContext,
): Promise<Buffer> {
  const material = new sdk.NodeDecryptionMaterial(suiteOf(sdk), { ...context });
  try {
    await keyring.onDecrypt(material, [toSdk(sdk, wrapped)]);
    return copyOf(sdk, material.getUnencryptedDataKey());
  } finally {
    material.zeroUnencryptedDataKey();
  }
}
