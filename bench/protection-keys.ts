/** Room: bench. Data keys from the use cases in process, over a fleet's wrapping keys that count how often they are asked. */
import {
  EncryptedDataKey,
  KeyringNode,
  KeyringTraceFlag,
  type NodeDecryptionMaterial,
  type NodeEncryptionMaterial,
} from "@aws-crypto/client-node";
import type { ProtectionApp } from "../core/ports.ts";
import type { DataCaller } from "../core/protection/data-caller.ts";
import { createDataKey, unwrapDataKey } from "../core/protection/data-keys.ts";
import type { ProtectorKeys } from "../protect/index.ts";
import { openFleetApp } from "../test/support/fleet-app.ts";

const names = { keyNamespace: "fleetkey", keyName: "bench" };
const wrapping = KeyringTraceFlag.WRAPPING_KEY_ENCRYPTED_DATA_KEY;

class UseCaseKeyring extends KeyringNode {
  readonly #app: ProtectionApp;
  readonly #caller: DataCaller;

  constructor(app: ProtectionApp, caller: DataCaller) {
    super();
    this.#app = app;
    this.#caller = caller;
  }

  #request({ encryptionContext }: NodeEncryptionMaterial | NodeDecryptionMaterial) {
    const { fleet: _, purpose = "", subject = "", ...extra } = encryptionContext;
    return { caller: this.#caller, context: { purpose, subject, extra } };
  }

  async _onEncrypt(material: NodeEncryptionMaterial): Promise<NodeEncryptionMaterial> {
    const made = await createDataKey(this.#app, { ...this.#request(material), withPlaintext: true });
    const key = Uint8Array.from(made.plaintext ?? []);
    const flags = KeyringTraceFlag.WRAPPING_KEY_GENERATED_DATA_KEY | wrapping;
    material.setUnencryptedDataKey(key, { ...names, flags });
    const { providerId, providerInfo, encryptedDataKey } = made.wrapped;
    const rawInfo = Buffer.from(providerInfo);
    const info = { providerId, providerInfo: rawInfo.toString(), rawInfo, encryptedDataKey };
    return material.addEncryptedDataKey(new EncryptedDataKey(info), wrapping);
  }

  async _onDecrypt(
    material: NodeDecryptionMaterial,
    dataKeys: EncryptedDataKey[],
  ): Promise<NodeDecryptionMaterial> {
    const [dataKey] = dataKeys;
    if (dataKey === undefined) return material;
    const { providerId, rawInfo, encryptedDataKey } = dataKey;
    const wrapped = { providerId, providerInfo: rawInfo ?? Buffer.alloc(0), encryptedDataKey };
    const { plaintext } = await unwrapDataKey(this.#app, { ...this.#request(material), wrapped });
    const flags = KeyringTraceFlag.WRAPPING_KEY_DECRYPTED_DATA_KEY;
    return material.setUnencryptedDataKey(Uint8Array.from(plaintext), { ...names, flags });
  }
}

export interface CountedKeys {
  readonly keys: ProtectorKeys;
  /** Calls of the wrapping keys, which on AWS are calls of KMS. */
  readonly calls: () => number;
  close(): Promise<void>;
}

export async function openCountedKeys(): Promise<CountedKeys> {
  const opened = await openFleetApp();
  let calls = 0;
  const { wrappingKeys } = opened.app;
  const counted: ProtectionApp["wrappingKeys"] = {
    keyOf: (...given) => wrappingKeys.keyOf(...given),
    scheduleDeletion: (...given) => wrappingKeys.scheduleDeletion(...given),
    generate: (...given) => {
      calls += 1;
      return wrappingKeys.generate(...given);
    },
    unwrap: (...given) => {
      calls += 1;
      return wrappingKeys.unwrap(...given);
    },
    rewrap: (...given) => {
      calls += 1;
      return wrappingKeys.rewrap(...given);
    },
  };
  const app: ProtectionApp = { ...opened.app, wrappingKeys: counted };
  const fleet = opened.fleet.record.fleet;
  const caller = { fleet, actor: "backend:bench", purposes: ["*"], fleetState: opened.fleet };
  return {
    keys: { fleet, keyring: new UseCaseKeyring(app, caller), close: () => undefined },
    calls: () => calls,
    close: () => opened.close(),
  };
}
