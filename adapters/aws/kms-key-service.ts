/**
 * Room: adapters/aws. The KeyService on AWS KMS: private keys never leave it, and one kms:Sign makes a signature.
 */
import { type GetPublicKeyCommandOutput, KMSClient } from "@aws-sdk/client-kms";
import { AppError } from "../../core/errors.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import type { KeyDescription, KeyService } from "../../core/ports.ts";
import { clientConfiguration } from "./client-configuration.ts";
import { findKey, makeKey } from "./kms/key-creation.ts";
import { KeyMemory } from "./kms/key-memory.ts";
import { aliasName, type KeyName, parseKeyId } from "./kms/key-name.ts";
import { kmsKeyRows } from "./kms/key-rows.ts";
import { messageForm } from "./kms/message-form.ts";
import { withinDeadline } from "./kms/patience.ts";
import { keyDescription } from "./kms/public-key.ts";
import { getPublicKey, type Kms, sign } from "./kms/requests.ts";

export interface KmsKeyServiceOptions {
  /** Aliases of the deployment's keys are `alias/{aliasPrefix}/{alias}`. */
  readonly aliasPrefix: string;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: KMSClient;
  /** Tokens of grants that may not have reached all of KMS yet: at most 10. @default none */
  readonly grantTokens?: readonly string[];
  /** Whether createKey may make a KMS key. @default false: a missing alias is configuration_invalid. */
  readonly mayCreate?: boolean;
}

/** As the port promises. A keyId is `{algorithm}:{key ARN}`. */
export function kmsKeyService(options: KmsKeyServiceOptions): KeyService {
  const { aliasPrefix, client = new KMSClient(clientConfiguration()), grantTokens = [] } = options;
  return new KmsKeyService({ client, grantTokens }, aliasPrefix, options.mayCreate ?? false);
}

/** More than the authorities of all fleets that one function serves between two cold starts. */
const keysRemembered = 256;

class KmsKeyService implements KeyService {
  readonly #kms: Kms;
  readonly #aliasPrefix: string;
  readonly #mayCreate: boolean;
  readonly #keys = new KeyMemory(keysRemembered);
  readonly #creating = new Map<string, Promise<GetPublicKeyCommandOutput>>();

  constructor(kms: Kms, aliasPrefix: string, mayCreate: boolean) {
    this.#kms = kms;
    this.#aliasPrefix = aliasPrefix;
    this.#mayCreate = mayCreate;
  }

  async createKey(alias: string, algorithm: AuthorityAlgorithmId): Promise<KeyDescription> {
    const name = aliasName(this.#aliasPrefix, alias);
    const creating = this.#creating.get(name) ?? this.#create(name, algorithm);
    this.#creating.set(name, creating);
    try {
      const answer = await creating;
      checkAlgorithm(alias, algorithm, answer);
      const key = keyDescription(algorithm, answer);
      this.#keys.put(key);
      return key;
    } finally {
      this.#creating.delete(name);
    }
  }

  async describeKey(keyId: string): Promise<KeyDescription> {
    return this.#key(parseKeyId(keyId));
  }

  async sign(keyId: string, message: Uint8Array): Promise<Uint8Array> {
    const key = parseKeyId(keyId);
    return withinDeadline(async (signal) => {
      const form = await messageForm(key, message, () => this.#key(key));
      return sign(this.#kms, key, form, signal);
    });
  }

  async #create(name: string, algorithm: AuthorityAlgorithmId): Promise<GetPublicKeyCommandOutput> {
    const existing = await findKey(this.#kms, name);
    if (existing !== undefined) return existing;
    if (this.#mayCreate) return makeKey(this.#kms, kmsKeyRows[algorithm], name);
    throw new AppError(
      "configuration_invalid",
      `KMS alias ${name} does not exist, and this function makes no keys; deploy the fleet's keys first`,
    );
  }

  #key(key: KeyName): Promise<KeyDescription> {
    return this.#keys.get(key.keyId, async () =>
      keyDescription(key.algorithm, await getPublicKey(this.#kms, key.arn)),
    );
  }
}

/** @throws AppError configuration_invalid when the alias stands for a key of another algorithm. */
function checkAlgorithm(
  alias: string,
  algorithm: AuthorityAlgorithmId,
  { KeySpec: spec }: GetPublicKeyCommandOutput,
): void {
  if (spec === kmsKeyRows[algorithm].keySpec) return;
  const existing = Object.keys(authorityAlgorithms).find(
    (id) => kmsKeyRows[id as AuthorityAlgorithmId].keySpec === spec,
  );
  throw new AppError(
    "configuration_invalid",
    `key "${alias}" exists with algorithm ${existing ?? spec}, not ${algorithm}; choose another alias`,
  );
}
