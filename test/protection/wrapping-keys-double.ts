/**
 * Room: test/protection. Wrapping keys in memory that really wrap: AES-256-GCM over the key's name and the whole
 * context, as the key service binds it. They rotate, are disabled, and fail on demand.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import type { EncryptionContext, WrappedKey, WrappingKeys } from "../../core/ports.ts";

export interface WrappingKeysDouble extends WrappingKeys {
  /** Calls that opened a key, whatever came of it. */
  readonly opened: number;
  /** A new key under a new name; the older ones still open. */
  rotate(fleet: string): void;
  /** Asked before each call that opens or wraps: an error is thrown. @default never */
  fault: (call: number) => AppError | undefined;
  /** Fleets whose keys are to be destroyed. */
  readonly deletions: ReadonlyMap<string, number>;
}

const nonceBytes = 12;
const tagBytes = 16;

function boundTo(keyId: string, context: EncryptionContext): Buffer {
  const members = Object.entries(context).sort(([left], [right]) => (left < right ? -1 : 1));
  return Buffer.from(JSON.stringify([keyId, members]));
}

const unreadable = () =>
  new AppError("data_unreadable", "the data cannot be read: not of this fleet and context, or changed");

export function wrappingKeysDouble(now: () => number): WrappingKeysDouble {
  const seed = randomBytes(32);
  const generations = new Map<string, number>();
  const deletions = new Map<string, number>();
  let [opened, calls] = [0, 0];
  const generationOf = (fleet: string) => generations.get(fleet) ?? 1;
  const idOf = (fleet: string, generation: number) => `double:${fleet}-protection:${generation}`;
  const derived = new Map<string, Buffer>();
  const keyOf = (keyId: string): Buffer => {
    const key = derived.get(keyId) ?? Buffer.from(hkdfSync("sha256", seed, "", keyId, 32));
    derived.set(keyId, key);
    return key;
  };
  const double: WrappingKeysDouble = {
    fault: () => undefined,
    get opened() {
      return opened;
    },
    deletions,
    rotate: (fleet) => void generations.set(fleet, generationOf(fleet) + 1),
    keyOf: (fleet) => Promise.resolve(idOf(fleet, generationOf(fleet))),
    async generate(fleet, context) {
      const plaintext = randomBytes(32);
      return { plaintext, ...(await wrap(fleet, plaintext, context)) };
    },
    unwrap: (fleet, key, context) => open(fleet, key, context),
    async rewrap(fleet, key, from, to) {
      return await wrap(fleet, await open(fleet, key, from), to);
    },
    async scheduleDeletion(fleet, days) {
      await check();
      const deletionAt = deletions.get(fleet) ?? now() + days * 86_400_000;
      deletions.set(fleet, deletionAt);
      return { deletionAt };
    },
  };
  async function check(fleet?: string): Promise<void> {
    calls += 1;
    await Promise.resolve();
    const failure = double.fault(calls);
    if (failure !== undefined) throw failure;
    if (fleet !== undefined && deletions.has(fleet))
      throw new AppError("key_disabled", "the fleet's wrapping keys are to be destroyed");
  }
  async function wrap(fleet: string, key: Buffer, context: EncryptionContext): Promise<WrappedKey> {
    await check(fleet);
    const keyId = idOf(fleet, generationOf(fleet));
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", keyOf(keyId), nonce).setAAD(boundTo(keyId, context));
    return {
      keyId,
      wrapped: Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]),
    };
  }
  async function open(fleet: string, { keyId, wrapped }: WrappedKey, context: EncryptionContext) {
    await check(fleet);
    opened += 1;
    if (!keyId.startsWith(`double:${fleet}-protection:`))
      throw new AppError("key_not_found", "no wrapping key of the fleet has that name");
    const [nonce, body] = [wrapped.subarray(0, nonceBytes), wrapped.subarray(nonceBytes, -tagBytes)];
    const decipher = createDecipheriv("aes-256-gcm", keyOf(keyId), nonce);
    decipher.setAAD(boundTo(keyId, context)).setAuthTag(wrapped.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(body), decipher.final()]);
    } catch {
      throw unreadable();
    }
  }
  return double;
}
