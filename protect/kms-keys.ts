/**
 * Room: protect. Data keys of purposes that are wrapped under the fleet's own key, from KMS itself: for a backend with
 * rights at that key, and without a call of the service.
 */
import {
  type EncryptedDataKey,
  KeyringNode,
  KMS,
  KmsKeyringNode,
  type NodeDecryptionMaterial,
  type NodeEncryptionMaterial,
} from "@aws-crypto/client-node";
import { unreadable } from "../adapters/encryption/unreadable.ts";
import { AppError } from "../core/errors.ts";
import type { ProtectorKeys } from "./protector.ts";

export interface KmsKeysOptions {
  readonly fleet: string;
  /** ARNs of the fleet's wrapping keys, the one in force first; the others open what they have wrapped. */
  readonly keyArns: readonly [string, ...string[]];
  /** Of the client of KMS, such as `{ endpoint, credentials }`. @default the environment's */
  readonly client?: NonNullable<ConstructorParameters<typeof KMS>[0]>;
}

const arn = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/;

/** The SDK folds the errors of KMS into one text. */
const notOfThisKey = /InvalidCiphertext|IncorrectKey/;

/** No cause: that text quotes the context and the ARN. */
function refused(): AppError {
  return new AppError(
    "key_service_unavailable",
    "KMS was not reached or refused; look at the rights at the key, its state, and try again",
  );
}

// The SDK's own type, which asks of optional members that they are never undefined.
type ClientProvider = NonNullable<
  NonNullable<ConstructorParameters<typeof KmsKeyringNode>[0]>["clientProvider"]
>;

/** Writes with one key, so that a message has one wrapped data key; reads with all. */
class FleetKmsKeyring extends KeyringNode {
  readonly #writing: KeyringNode;
  readonly #reading: KeyringNode;

  constructor(writing: KeyringNode, reading: KeyringNode) {
    super();
    this.#writing = writing;
    this.#reading = reading;
  }

  async _onEncrypt(material: NodeEncryptionMaterial): Promise<NodeEncryptionMaterial> {
    try {
      return await this.#writing.onEncrypt(material);
    } catch {
      throw refused();
    }
  }

  async _onDecrypt(
    material: NodeDecryptionMaterial,
    dataKeys: EncryptedDataKey[],
  ): Promise<NodeDecryptionMaterial> {
    try {
      return await this.#reading.onDecrypt(material, dataKeys);
    } catch (failure) {
      if (failure instanceof Error && notOfThisKey.test(failure.message)) throw unreadable();
      throw refused();
    }
  }
}

/** @throws AppError configuration_invalid: not the ARN of a key. */
export function kmsKeys({ fleet, keyArns, client = {} }: KmsKeysOptions): ProtectorKeys {
  if (!keyArns.every((each) => arn.test(each)))
    throw new AppError(
      "configuration_invalid",
      "keyArns has what is not the ARN of a KMS key; aliases are refused",
    );
  const clients = new Map<string, KMS>();
  const clientProvider = ((region: string) => {
    const held = clients.get(region) ?? new KMS({ region, ...client });
    clients.set(region, held);
    return held;
  }) as unknown as ClientProvider;
  const [generatorKeyId] = keyArns;
  const writing = new KmsKeyringNode({ generatorKeyId, clientProvider });
  const reading = new KmsKeyringNode({ keyIds: [...keyArns], clientProvider });
  return {
    fleet,
    keyring: new FleetKmsKeyring(writing, reading),
    close: () => {
      for (const each of clients.values()) each.destroy();
    },
  };
}
