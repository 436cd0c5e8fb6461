/**
 * Room: test/adapters/encryption. Wrapping keys as KMS keeps them, in memory: AES-256-GCM bound to the id of the key
 * and to the context, and refusals as an adapter's.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { AppError } from "../../../core/errors.ts";
import type { EncryptionContext, WrappedKey, WrappingKeys } from "../../../core/ports.ts";

const boundTo = (keyId: string, context: EncryptionContext): Buffer =>
  Buffer.from(JSON.stringify([keyId, Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))]));

const arnOf = (fleet: string, generation: number): string =>
  `arn:aws:kms:eu-central-1:111122223333:key/${fleet}-${generation}`;

export interface WrappingKeysDouble extends Pick<WrappingKeys, "generate" | "unwrap"> {
  readonly arnOf: typeof arnOf;
  /** What each call does from now on. @default nothing fails */
  failWith(failure: Error | undefined): void;
  /** Whether what it handed out in the clear has been overwritten since. */
  handedOut(): readonly Buffer[];
}

/** Every fleet has two keys; the second is in force. */
export function wrappingKeysDouble(fleets: readonly string[]): WrappingKeysDouble {
  const keys = new Map(fleets.flatMap((fleet) => [1, 2].map((n) => [arnOf(fleet, n), randomBytes(32)])));
  const handedOut: Buffer[] = [];
  let failure: Error | undefined;
  const keyOf = (fleet: string, keyId: string): Buffer => {
    if (failure !== undefined) throw failure;
    const key = keyId.includes(`/${fleet}-`) ? keys.get(keyId) : undefined;
    if (key === undefined) throw new AppError("key_not_found", `no key ${keyId}`);
    return key;
  };
  const handOut = (plaintext: Buffer): Buffer => {
    handedOut.push(plaintext);
    return plaintext;
  };
  return {
    arnOf,
    failWith: (next) => {
      failure = next;
    },
    handedOut: () => handedOut,
    generate: async (fleet, context) => {
      const keyId = arnOf(fleet, 2);
      const plaintext = handOut(randomBytes(32));
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", keyOf(fleet, keyId), iv).setAAD(boundTo(keyId, context));
      const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return { keyId, plaintext, wrapped: Buffer.concat([iv, cipher.getAuthTag(), sealed]) };
    },
    unwrap: async (fleet, { keyId, wrapped }: WrappedKey, context) => {
      const key = keyOf(fleet, keyId);
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, wrapped.subarray(0, 12))
          .setAAD(boundTo(keyId, context))
          .setAuthTag(wrapped.subarray(12, 28));
        return handOut(Buffer.concat([decipher.update(wrapped.subarray(28)), decipher.final()]));
      } catch {
        throw new AppError("data_unreadable", "the data cannot be read: another words");
      }
    },
  };
}
