/** Room: adapters/encryption. The port for messages, by the AWS Encryption SDK for JavaScript. */
import type { KeyringNode } from "@aws-crypto/client-node";
import type { EncryptedDataKey, EncryptionContext, MessageCipher, Wrapping } from "../../core/ports.ts";
import { protectionStandard } from "../../core/standard/protection.ts";
import { createDataKey, unwrapDataKey } from "./data-key-material.ts";
import { type EncryptionSdk, encryptionSdk } from "./encryption-sdk.ts";
import { messageStructure, signatureMember } from "./message-structure.ts";
import { rawKeyring } from "./raw-fleet-keyring.ts";
import { made, opened, unreadable } from "./unreadable.ts";
import { wrappingOf } from "./wrapped-data-key.ts";

const { frameBytes, frames: mostFrames, encryptedDataKeys } = protectionStandard.message;

export interface EncryptionSdkCipherOptions {
  /**
   * What wraps data keys under the fleet's own key: the one in force, or, to open, the one that is named.
   * Its keyring fails with AppErrors of WrappingKeys.
   */
  readonly fleetKeyring: (fleet: string, keyId?: string) => Promise<KeyringNode>;
}

export function encryptionSdkCipher({ fleetKeyring }: EncryptionSdkCipherOptions): MessageCipher {
  const sealing = async (sdk: EncryptionSdk, wrapping: Wrapping): Promise<KeyringNode> =>
    wrapping.kind === "fleet"
      ? await fleetKeyring(wrapping.fleet)
      : rawKeyring(sdk, wrapping.keyName, wrapping.key);

  // A raw AES keyring takes every key whose name begins with its own, so names are compared here, whole.
  const opening = async (sdk: EncryptionSdk, wrapping: Wrapping, wrapped: EncryptedDataKey) => {
    const named = wrappingOf(wrapped);
    if (wrapping.kind === "subject" && named.kind === "subject" && named.keyName === wrapping.keyName)
      return rawKeyring(sdk, wrapping.keyName, wrapping.key);
    if (wrapping.kind === "fleet" && named.kind === "fleet")
      return await fleetKeyring(wrapping.fleet, named.keyId);
    throw unreadable();
  };

  return {
    headerOf: (message) => {
      const { context, dataKey } = messageStructure(message);
      return { context, wrapping: wrappingOf(dataKey) };
    },
    wrappingOf,
    encrypt: async (wrapping, plaintext, context) => {
      const sdk = await encryptionSdk();
      return await made(async () => encrypt(sdk, await sealing(sdk, wrapping), plaintext, context));
    },
    decrypt: async (wrapping, message, context) => {
      const sdk = await encryptionSdk();
      return await opened(async () => {
        const { context: named, dataKey, frames } = messageStructure(message);
        if (frames > mostFrames || !sameContext(named, context)) throw unreadable();
        return await decrypt(sdk, await opening(sdk, wrapping, dataKey), message, context);
      });
    },
    createDataKey: async (wrapping, context) => {
      const sdk = await encryptionSdk();
      return await made(async () => createDataKey(sdk, await sealing(sdk, wrapping), context));
    },
    unwrapDataKey: async (wrapping, wrapped, context) => {
      const sdk = await encryptionSdk();
      return await opened(async () =>
        unwrapDataKey(sdk, await opening(sdk, wrapping, wrapped), wrapped, context),
      );
    },
  };
}

const clientOf = (sdk: EncryptionSdk) =>
  sdk.buildClient({
    commitmentPolicy: sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
    maxEncryptedDataKeys: encryptedDataKeys,
  });

async function encrypt(
  sdk: EncryptionSdk,
  keyring: KeyringNode,
  plaintext: Uint8Array,
  context: EncryptionContext,
): Promise<Buffer> {
  const { result } = await clientOf(sdk).encrypt(keyring, plaintext, {
    suiteId: sdk.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
    encryptionContext: { ...context },
    frameLength: frameBytes,
  });
  return result;
}

/** Of a whole message; what the SDK has authenticated is compared again, for octets change hands while it works. */
async function decrypt(
  sdk: EncryptionSdk,
  keyring: KeyringNode,
  message: Uint8Array,
  context: EncryptionContext,
): Promise<Buffer> {
  const { plaintext, messageHeader } = await clientOf(sdk).decrypt(keyring, message);
  const { [signatureMember]: _, ...authenticated } = messageHeader.encryptionContext;
  if (sameContext(authenticated, context)) return plaintext;
  plaintext.fill(0);
  throw unreadable();
}

/** No member more, none less. */
function sameContext(left: EncryptionContext, right: EncryptionContext): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => Object.hasOwn(right, name) && left[name] === right[name]);
}
