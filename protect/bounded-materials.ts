/**
 * Room: protect. Between the SDK and a keyring: one data key for the messages of one context, within bounds. The SDK
 * overwrites what it is given after each message, so it is given copies.
 */
import {
  type EncryptedDataKey,
  type KeyringNode,
  NodeDecryptionMaterial,
  NodeDefaultCryptographicMaterialsManager,
  NodeEncryptionMaterial,
  unwrapDataKey,
} from "@aws-crypto/client-node";
import type { CacheBounds } from "./cache-bounds.ts";
import { DataKeyCache } from "./data-key-cache.ts";

type Manager = NodeDefaultCryptographicMaterialsManager;
type EncryptionRequest = Parameters<Manager["getEncryptionMaterials"]>[0];
type DecryptionRequest = Parameters<Manager["decryptMaterials"]>[0];

/** The materials manager that the SDK's client takes in a keyring's place. */
export interface BoundedMaterials {
  getEncryptionMaterials(request: EncryptionRequest): Promise<NodeEncryptionMaterial>;
  decryptMaterials(request: DecryptionRequest): Promise<NodeDecryptionMaterial>;
  /** Ends all keys. */
  clear(): void;
  /** Keys in memory. */
  size(): number;
}

const sorted = (context: Readonly<Record<string, string>>) =>
  Object.entries(context).sort(([left], [right]) => (left < right ? -1 : 1));

/** Which wrapped key, of which context: the same octets under another context are another entry, and do not open. */
function wrappedName({ suite, encryptionContext, encryptedDataKeys }: DecryptionRequest): string {
  const keys = encryptedDataKeys.map(({ providerId, providerInfo, rawInfo, encryptedDataKey }) => [
    providerId,
    Buffer.from(rawInfo ?? Buffer.from(providerInfo)).toString("base64"),
    Buffer.from(encryptedDataKey).toString("base64"),
  ]);
  return JSON.stringify(["read", suite.id, keys, sorted(encryptionContext)]);
}

/** Given a KeyObject, the SDK exports it and leaves the octets behind; these are overwritten. */
function copyKey(
  material: NodeEncryptionMaterial | NodeDecryptionMaterial,
  copy: NodeEncryptionMaterial | NodeDecryptionMaterial,
): void {
  const [trace] = material.keyringTrace;
  if (trace === undefined) throw new Error("the keyring has set no data key");
  const exported = unwrapDataKey(material.getUnencryptedDataKey());
  // Of its own memory, which the SDK insists on.
  const key = Uint8Array.from(exported);
  exported.fill(0);
  try {
    copy.setUnencryptedDataKey(key, trace);
  } finally {
    key.fill(0);
  }
}

function encryptionCopy(material: NodeEncryptionMaterial): NodeEncryptionMaterial {
  const copy = new NodeEncryptionMaterial(material.suite, { ...material.encryptionContext });
  copyKey(material, copy);
  const flags = material.keyringTrace.reduce((all, { flags: each }) => all | each, 0);
  for (const key of material.encryptedDataKeys as EncryptedDataKey[])
    copy.addEncryptedDataKey(key, flags & encryptFlags);
  return copy;
}

/** KeyringTraceFlag: has encrypted the data key, has signed the context. */
const encryptFlags = 2 | 8;

function decryptionCopy(material: NodeDecryptionMaterial): NodeDecryptionMaterial {
  const copy = new NodeDecryptionMaterial(material.suite, { ...material.encryptionContext });
  copyKey(material, copy);
  if (material.verificationKey !== undefined) copy.setVerificationKey(material.verificationKey);
  return copy;
}

export function boundedMaterials(keyring: KeyringNode, bounds: CacheBounds): BoundedMaterials {
  const manager = new NodeDefaultCryptographicMaterialsManager(keyring);
  const cache = new DataKeyCache<NodeEncryptionMaterial | NodeDecryptionMaterial>(bounds);
  return {
    getEncryptionMaterials: async (request) => {
      const { plaintextLength, ...rest } = request;
      // Without a length nothing can be counted: such a message has a key to itself.
      if (plaintextLength === undefined) return await manager.getEncryptionMaterials(rest);
      const name = JSON.stringify(["write", request.suite?.id, sorted(request.encryptionContext)]);
      return await cache.with(
        name,
        plaintextLength,
        () => manager.getEncryptionMaterials(rest),
        (material) => encryptionCopy(material as NodeEncryptionMaterial),
      );
    },
    decryptMaterials: async (request) =>
      await cache.with(
        wrappedName(request),
        undefined,
        () => manager.decryptMaterials(request),
        (material) => decryptionCopy(material as NodeDecryptionMaterial),
      ),
    clear: () => cache.clear(),
    size: () => cache.size,
  };
}
