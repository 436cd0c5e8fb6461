/**
 * Room: adapters/local. The WrappingKeys on node:crypto: AES-256-GCM under a generation of the fleet's key, which is a
 * sealed file of the key store.
 */
import { randomBytes } from "node:crypto";
import { checkDeletionDays } from "../../core/custody-limits.ts";
import { AppError } from "../../core/errors.ts";
import type { Clock, EncryptionContext, WrappedKey, WrappingKeys } from "../../core/ports.ts";
import { type MasterKeySource, openMasterKey } from "./keystore/master-key.ts";
import { ensurePrivateDirectory } from "./keystore/private-files.ts";
import { seal, unseal } from "./keystore/sealing.ts";
import { WrappingGenerations } from "./keystore/wrapping-generations.ts";
import { type OpenGeneration, wrappingKeyOctets } from "./keystore/wrapping-key-record.ts";

export interface SoftwareWrappingKeysOptions {
  /** That of the key service: both have one header and one master key. Made with mode 0700 when absent. */
  readonly directory: string;
  readonly masterKey: MasterKeySource;
  readonly clock: Pick<Clock, "now">;
}

/**
 * Opens the key store, making it when absent.
 * @throws AppError key_store_locked, configuration_invalid, key_service_unavailable, as `openSoftwareKeyService`.
 */
export async function softwareWrappingKeys(
  options: SoftwareWrappingKeysOptions,
): Promise<SoftwareWrappingKeys> {
  const { directory, masterKey, clock } = options;
  await ensurePrivateDirectory(directory);
  return new SoftwareWrappingKeys(
    new WrappingGenerations(directory, await openMasterKey(directory, masterKey), clock),
  );
}

/** A generation with its key in the clear, for a keyring of the AWS Encryption SDK. */
export interface RawGeneration {
  readonly keyId: string;
  /** 32 octets. The caller overwrites them. */
  readonly key: Buffer;
}

/**
 * The wrapped octets belong to this key and this context: members in one order, whatever order they came in. A data key
 * that the AWS Encryption SDK wraps with the same key has other associated data: neither is ever taken for the other.
 */
function wrappingContext(keyId: string, context: EncryptionContext): string[] {
  const members = Object.entries(context).sort(([left], [right]) => (left < right ? -1 : 1));
  return ["fleetkey-wrapped-key", keyId, ...members.flat()];
}

const wrap = ({ keyId, key }: OpenGeneration, plaintext: Buffer, context: EncryptionContext): WrappedKey => ({
  keyId,
  wrapped: seal(key, plaintext, wrappingContext(keyId, context)),
});

/**
 * As the port promises. Made by `softwareWrappingKeys`. A fleet's key is made on first use; a generation that is a year
 * old gives way to the next one by itself; a deletion destroys all of them at once, whatever the days.
 */
export class SoftwareWrappingKeys implements WrappingKeys {
  /** For whoever lists and rotates them. */
  readonly generations: WrappingGenerations;

  constructor(generations: WrappingGenerations) {
    this.generations = generations;
  }

  async keyOf(fleet: string): Promise<string> {
    return (await this.generations.current(fleet)).keyId;
  }

  async generate(
    fleet: string,
    context: EncryptionContext,
  ): Promise<WrappedKey & { readonly plaintext: Buffer }> {
    const generation = await this.generations.current(fleet);
    const plaintext = randomBytes(wrappingKeyOctets);
    return { ...wrap(generation, plaintext, context), plaintext };
  }

  async unwrap(fleet: string, { keyId, wrapped }: WrappedKey, context: EncryptionContext): Promise<Buffer> {
    const { key } = await this.generations.named(fleet, keyId);
    const plaintext = unseal(key, wrapped, wrappingContext(keyId, context));
    if (plaintext !== undefined) return plaintext;
    throw new AppError(
      "data_unreadable",
      "the data cannot be read: not of this fleet and context, or changed",
    );
  }

  async rewrap(
    fleet: string,
    key: WrappedKey,
    from: EncryptionContext,
    to: EncryptionContext,
  ): Promise<WrappedKey> {
    const plaintext = await this.unwrap(fleet, key, from);
    try {
      return wrap(await this.generations.current(fleet), plaintext, to);
    } finally {
      plaintext.fill(0);
    }
  }

  async scheduleDeletion(fleet: string, days: number): Promise<{ readonly deletionAt: number }> {
    checkDeletionDays(days);
    return { deletionAt: await this.generations.destroyAll(fleet) };
  }

  /**
   * The key in force (made where there is none), or the one that `keyId` names.
   * @throws AppError key_not_found (none of this fleet), key_disabled (destroyed), key_store_locked,
   * key_service_unavailable.
   */
  async openGeneration(fleet: string, keyId?: string): Promise<RawGeneration> {
    const generation =
      keyId === undefined
        ? await this.generations.current(fleet)
        : await this.generations.named(fleet, keyId);
    return { keyId: generation.keyId, key: generation.key.export() };
  }

  /** Whether `openGeneration` would find it. @throws AppError as there, but for key_not_found and key_disabled. */
  async hasGeneration(fleet: string, keyId: string): Promise<boolean> {
    try {
      await this.generations.named(fleet, keyId);
      return true;
    } catch (error) {
      if (error instanceof AppError && (error.code === "key_not_found" || error.code === "key_disabled"))
        return false;
      throw error;
    }
  }
}
