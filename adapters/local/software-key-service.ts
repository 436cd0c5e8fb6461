/**
 * Room: adapters/local. The KeyService on node:crypto: one file a key, sealed at rest, opened in memory.
 */
import { type KeyObject, randomBytes, sign } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { AppError } from "../../core/errors.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import type { KeyDescription, KeyService } from "../../core/ports.ts";
import { isLeaving } from "./keystore/deletion-record.ts";
import { generateAuthorityKey } from "./keystore/key-generation.ts";
import { checkAlias, parseKeyId, unknownKey } from "./keystore/key-id.ts";
import {
  encodeRecord,
  isKeyFileOf,
  type KeyRecord,
  keyFileName,
  openRecord,
  parseRecord,
  sealRecord,
} from "./keystore/key-record.ts";
import { type MasterKeySource, openMasterKey } from "./keystore/master-key.ts";
import { ensurePrivateDirectory, publishPrivateFile, readPrivateFile } from "./keystore/private-files.ts";

export type { MasterKeySource } from "./keystore/master-key.ts";

export interface SoftwareKeyServiceOptions {
  /** Holds the header and a file for each key; made with mode 0700 when absent. */
  readonly directory: string;
  readonly masterKey: MasterKeySource;
}

/**
 * Opens the key store, making it when absent.
 * @throws AppError key_store_locked: wrong passphrase, wrong or missing key file; configuration_invalid:
 * permissions too wide, a short passphrase, a store of a newer release; key_service_unavailable.
 */
export async function openSoftwareKeyService(
  options: SoftwareKeyServiceOptions,
): Promise<SoftwareKeyService> {
  await ensurePrivateDirectory(options.directory);
  const masterKey = await openMasterKey(options.directory, options.masterKey);
  return new SoftwareKeyService(options.directory, masterKey);
}

interface OpenKey {
  readonly description: KeyDescription;
  readonly privateKey: KeyObject;
}

// Some 20 µs a signature: less than a thread takes to be woken and to report.
const signsAtOnce: ReadonlySet<AuthorityAlgorithmId> = new Set<AuthorityAlgorithmId>(["P-256", "Ed25519"]);

/** For the others: an RSA-4096 signature takes milliseconds, in which the event loop stays free. */
const signOnThreadPool = promisify(
  (
    digest: string | null,
    message: Uint8Array,
    key: KeyObject,
    done: (error: Error | null, signature: Buffer) => void,
  ) => sign(digest, message, key, done),
);

/** As the port promises. Made by `openSoftwareKeyService`. */
export class SoftwareKeyService implements KeyService {
  readonly #directory: string;
  readonly #masterKey: KeyObject;
  readonly #open = new Map<string, OpenKey>();
  readonly #creating = new Map<string, Promise<OpenKey>>();

  constructor(directory: string, masterKey: KeyObject) {
    this.#directory = directory;
    this.#masterKey = masterKey;
  }

  async createKey(alias: string, algorithm: AuthorityAlgorithmId): Promise<KeyDescription> {
    checkAlias(alias);
    const creating = this.#creating.get(alias) ?? this.#create(alias, algorithm);
    this.#creating.set(alias, creating);
    try {
      const { description } = await creating;
      if (description.algorithm === algorithm) return description;
      throw new AppError(
        "configuration_invalid",
        `key "${alias}" exists with algorithm ${description.algorithm}, not ${algorithm}; choose another alias`,
      );
    } finally {
      this.#creating.delete(alias);
    }
  }

  async describeKey(keyId: string): Promise<KeyDescription> {
    return (await this.#key(keyId)).description;
  }

  async sign(keyId: string, message: Uint8Array): Promise<Uint8Array> {
    const { description, privateKey } = this.#open.get(keyId) ?? (await this.#key(keyId));
    if (isLeaving(this.#directory, keyId)) throw await this.#leaving(keyId);
    const { digest } = authorityAlgorithms[description.algorithm].signature;
    try {
      if (signsAtOnce.has(description.algorithm)) return sign(digest, message, privateKey);
      return await signOnThreadPool(digest, message, privateKey);
    } catch (cause) {
      const failure = "the key store could not sign; try again";
      throw new AppError("key_service_unavailable", failure, { cause, retryAfter: 1 });
    }
  }

  /** Why a key whose deletion is scheduled, or over, signs nothing; nothing of it stays in memory. */
  async #leaving(keyId: string): Promise<AppError> {
    this.#open.delete(keyId);
    const name = keyFileName(parseKeyId(keyId).alias);
    const content = await readPrivateFile(join(this.#directory, name));
    if (content === undefined || !isKeyFileOf(content, keyId, name)) return unknownKey();
    return new AppError(
      "key_disabled",
      "the key is to be destroyed and signs nothing; cancel its deletion, or rotate to another authority",
    );
  }

  async #create(alias: string, algorithm: AuthorityAlgorithmId): Promise<OpenKey> {
    const existing = await this.#load(alias);
    if (existing !== undefined) return existing;
    const { publicKey, privateKey } = await generateAuthorityKey(algorithm);
    const fields = {
      keyId: `${alias}:${randomBytes(8).toString("hex")}`,
      alias,
      algorithm,
      publicKey: publicKey.export({ format: "der", type: "spki" }),
    };
    const record = sealRecord(this.#masterKey, fields, privateKey);
    await publishPrivateFile(join(this.#directory, keyFileName(alias)), encodeRecord(record));
    // Read back even when we published: what is used is what the disk holds, ours or another process's.
    const stored = await this.#load(alias);
    if (stored === undefined) throw unknownKey();
    return stored;
  }

  async #key(keyId: string): Promise<OpenKey> {
    const { alias } = parseKeyId(keyId);
    const known = this.#open.get(keyId);
    if (known !== undefined && !isLeaving(this.#directory, keyId)) return known;
    const key = await this.#load(alias);
    if (key?.description.keyId === keyId) return key;
    this.#open.delete(keyId);
    throw unknownKey();
  }

  async #load(alias: string): Promise<OpenKey | undefined> {
    const name = keyFileName(alias);
    const content = await readPrivateFile(join(this.#directory, name));
    if (content === undefined) return undefined;
    const record: KeyRecord = parseRecord(content, name);
    const privateKey = openRecord(this.#masterKey, record, name);
    // A whole file under another's name opens, but is not the key that was asked for.
    if (record.alias !== alias) {
      const message = `key file ${name} holds another key; put each file back under its own name`;
      throw new AppError("key_store_locked", message);
    }
    const { keyId, algorithm, publicKey } = record;
    const key = { description: { keyId, algorithm, publicKey }, privateKey };
    this.#open.set(keyId, key);
    return key;
  }
}
