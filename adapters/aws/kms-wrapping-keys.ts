/**
 * Room: adapters/aws. The WrappingKeys on AWS KMS: symmetric keys of which no octet ever leaves it. A fleet has one or
 * several; the first wraps, and all of them unwrap what they wrapped, whatever material KMS has rotated them to.
 */
import { KMSClient } from "@aws-sdk/client-kms";
import { checkDeletionDays } from "../../core/custody-limits.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import type { EncryptionContext, WrappedKey, WrappingKeys } from "../../core/ports.ts";
import { clientConfiguration } from "./client-configuration.ts";
import { scheduleDeletion } from "./kms/custody-requests.ts";
import { describeKey, type StateOfKey, stateOfKey } from "./kms/key-state.ts";
import { checkAnswerer } from "./kms/requests.ts";
import { decrypt, generateDataKey, reEncrypt } from "./kms/wrapping-requests.ts";

export interface KmsWrappingKeysOptions {
  /** ARNs of each fleet's keys: the one in force first. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: KMSClient;
  /** Milliseconds since the epoch. @default the machine's clock */
  readonly now?: () => number;
}

/** As the port promises. A keyId is the ARN of a key in the fleet's list; no other key is ever asked. */
export function kmsWrappingKeys(options: KmsWrappingKeysOptions): WrappingKeys {
  const { keys, client = new KMSClient(clientConfiguration()), now = Date.now } = options;
  return new KmsWrappingKeys(client, keys, now);
}

class KmsWrappingKeys implements WrappingKeys {
  readonly #client: KMSClient;
  readonly #keys: ReadonlyMap<string, readonly string[]>;
  readonly #now: () => number;

  constructor(client: KMSClient, keys: Readonly<Record<string, readonly string[]>>, now: () => number) {
    this.#client = client;
    this.#keys = new Map(Object.entries(keys));
    this.#now = now;
  }

  async keyOf(fleet: string): Promise<string> {
    return this.#inForce(fleet);
  }

  async generate(
    fleet: string,
    context: EncryptionContext,
  ): Promise<WrappedKey & { readonly plaintext: Buffer }> {
    return await generateDataKey(this.#client, this.#inForce(fleet), context);
  }

  async unwrap(fleet: string, key: WrappedKey, context: EncryptionContext): Promise<Buffer> {
    this.#assertOwn(fleet, key.keyId);
    return await decrypt(this.#client, key, context);
  }

  async rewrap(
    fleet: string,
    key: WrappedKey,
    from: EncryptionContext,
    to: EncryptionContext,
  ): Promise<WrappedKey> {
    this.#assertOwn(fleet, key.keyId);
    return await reEncrypt(this.#client, key, this.#inForce(fleet), { from, to });
  }

  /** One key that fails keeps no other from being scheduled; a repetition asks for what is left. */
  async scheduleDeletion(fleet: string, days: number): Promise<{ readonly deletionAt: number }> {
    checkDeletionDays(days);
    const outcomes: PromiseSettledResult<number>[] = [];
    // One after another: a quota of requests a second is shared with all signatures.
    for (const key of this.#keysOf(fleet))
      outcomes.push(...(await Promise.allSettled([this.#endOf(key, days)])));
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    const ends = outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : 0));
    return { deletionAt: Math.max(...ends) };
  }

  /** When the key will be gone, in milliseconds; now for one that is. */
  async #endOf(key: string, days: number): Promise<number> {
    const before = await this.#stateOf(key);
    if (before === undefined) return this.#now();
    if (before.deletionAt !== undefined) return before.deletionAt;
    const scheduled = await scheduleDeletion(this.#client, key, days);
    if (scheduled !== undefined) return scheduled.getTime();
    // Somebody else's schedule came first.
    const after = await this.#stateOf(key);
    if (after === undefined) return this.#now();
    if (after.deletionAt !== undefined) return after.deletionAt;
    throw new AppError(
      "key_service_unavailable",
      `kms:ScheduleKeyDeletion on ${key}: the key's state, ${after.condition}, forbids it; look at the key in KMS`,
      { retryAfter: 300 },
    );
  }

  /** Undefined for a key that is gone. */
  async #stateOf(key: string): Promise<StateOfKey | undefined> {
    try {
      const metadata = await describeKey(this.#client, key);
      checkAnswerer("kms:DescribeKey", key, metadata.Arn);
      return stateOfKey(metadata);
    } catch (error) {
      if (isAppError(error, "key_not_found")) return undefined;
      throw error;
    }
  }

  #keysOf(fleet: string): readonly [string, ...string[]] {
    const [inForce, ...others] = this.#keys.get(fleet) ?? [];
    if (inForce !== undefined) return [inForce, ...others];
    throw new AppError(
      "key_not_found",
      `no wrapping key: the deployment has none for the fleet of ${fleet.length} characters that was given; deploy the fleet's keys`,
    );
  }

  #inForce(fleet: string): string {
    return this.#keysOf(fleet)[0];
  }

  #assertOwn(fleet: string, keyId: string): void {
    if (this.#keysOf(fleet).includes(keyId)) return;
    throw new AppError(
      "key_not_found",
      `key id of ${keyId.length} characters names no wrapping key of this fleet; look for it in the deployment's list`,
    );
  }
}
