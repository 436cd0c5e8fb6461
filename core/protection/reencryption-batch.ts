/**
 * Room: core/protection. One batch of a re-encryption: keys that are not as they should be are wrapped anew, each on the
 * condition that nobody changed it meanwhile; and one batch of its verification. No key comes into the clear for either:
 * the key service opens and wraps it in one call, for the verification too, whose answer is dropped.
 */
import { AppError, isAppError } from "../errors.ts";
import type { SafekeepingApp, WrappedKey, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { ReencryptionRecord } from "../records/reencryption-record.ts";
import {
  type SubjectKeyRecord,
  subjectKeyContext,
  subjectKeyItem,
  subjectKeyKey,
  subjectKeyRecord,
} from "../records/subject-key-record.ts";
import { severally } from "./safekeeping-turns.ts";

type StoredKey = Stored<SubjectKeyRecord>;

/** Calls of the key service at a time. */
const width = 8;

/** The key is where the job wants it: also wrapped since, for a rotated key may keep its name. */
export function isMoved(job: ReencryptionRecord, key: SubjectKeyRecord): boolean {
  const { targetKeyId, contextVersion, createdAt } = job;
  return key.keyId === targetKeyId && key.contextVersion === contextVersion && key.wrappedAt >= createdAt;
}

/**
 * Undefined when the key's octets open nowhere; the error when a wrapping key is not there: its own, or the one in
 * force.
 * @throws AppError whatever else the key service says.
 */
async function rewrapped(
  app: SafekeepingApp,
  key: SubjectKeyRecord,
  contextVersion: number,
): Promise<WrappedKey | AppError | undefined> {
  const [from, to] = [subjectKeyContext(key), subjectKeyContext({ ...key, contextVersion })];
  try {
    return await app.wrappingKeys.rewrap(key.fleet, key, from, to);
  } catch (error) {
    if (isAppError(error, "data_unreadable")) return undefined;
    if (isAppError(error, "key_not_found")) return error;
    throw error;
  }
}

/** All that nobody changed meanwhile; the others are told. */
async function writeAll(
  app: SafekeepingApp,
  writes: readonly { readonly key: StoredKey; readonly write: WriteOperation }[],
): Promise<readonly StoredKey[]> {
  let [left, lost]: [typeof writes, readonly StoredKey[]] = [writes, []];
  while (left.length > 0) {
    try {
      await app.subjectKeys.transact(left.map(({ write }) => write));
      return lost;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
      const failed = new Set(error.failedOperations);
      if (failed.size === 0) throw error;
      lost = [...lost, ...left.filter((_, index) => failed.has(index)).map(({ key }) => key)];
      left = left.filter((_, index) => !failed.has(index));
    }
  }
  return lost;
}

/** Those of `lost` that another run has moved; those that are destroyed count nowhere. */
async function movedMeanwhile(
  app: SafekeepingApp,
  job: ReencryptionRecord,
  lost: readonly StoredKey[],
): Promise<number> {
  const items = await Promise.all(
    lost.map(({ value: { fleet, subject, version } }) =>
      app.subjectKeys.get(subjectKeyKey(fleet, subject, version)),
    ),
  );
  return items.filter((item) => item !== undefined && isMoved(job, subjectKeyRecord(item).value)).length;
}

export interface Moved {
  /** As the keys now stand, so a batch that is repeated counts the same. */
  readonly moved: number;
  readonly unchanged: number;
  readonly unreadable: number;
  /** By this very call. */
  readonly written: number;
  /** Some are left, and nothing else of the batch. */
  readonly failure?: { readonly error: unknown };
}

/**
 * Moves those of `keys` (99 at most) that are not where they should be.
 * @throws AppError store_unavailable; what the key service says is in `failure`, and what it did before is written.
 */
export async function moveKeys(
  app: SafekeepingApp,
  job: ReencryptionRecord,
  keys: readonly StoredKey[],
): Promise<Moved> {
  const [there, left] = [
    keys.filter(({ value }) => isMoved(job, value)),
    keys.filter(({ value }) => !isMoved(job, value)),
  ];
  const { contextVersion } = job;
  // Before any is wrapped; and the clock of whoever began the job may be ahead of this one.
  const wrappedAt = Math.max(app.clock.now(), job.createdAt);
  const { done, ...failure } = await severally(left, width, ({ value }) =>
    rewrapped(app, value, contextVersion),
  );
  const writes = done.flatMap(({ each: key, result }) => {
    if (result === undefined || result instanceof AppError) return [];
    const { keyId, wrapped } = result;
    const put = subjectKeyItem({ ...key.value, keyId, wrapped, contextVersion, wrappedAt });
    return [{ key, write: { put, when: key.version } }];
  });
  // Where nothing has opened yet, the wrapping key in force may be what is missing: no key is called unreadable then.
  const missing = done.find(({ result }) => result instanceof AppError);
  const isBlind = missing !== undefined && job.moved + writes.length === 0;
  const lost = await writeAll(app, writes);
  const before = there.filter(({ value }) => value.createdAt < job.createdAt).length;
  const written = writes.length - lost.length;
  return {
    moved: before + written + (await movedMeanwhile(app, job, lost)),
    unchanged: there.length - before,
    unreadable: done.length - writes.length,
    written,
    ...(isBlind ? { failure: { error: missing.result } } : {}),
    ...failure,
  };
}

export interface Verified {
  readonly verified: number;
  readonly unreadable: number;
  /** Readable, and not where the job wants them. */
  readonly left: number;
}

/**
 * Has each of `keys` opened by the key service, one call each.
 * @throws AppError whatever the key service says but of a key that it does not open.
 */
export async function verifyKeys(
  app: SafekeepingApp,
  job: ReencryptionRecord,
  keys: readonly StoredKey[],
): Promise<Verified> {
  const { done, failure } = await severally(keys, width, ({ value }) =>
    rewrapped(app, value, value.contextVersion),
  );
  if (failure !== undefined) throw failure.error;
  const opened: { readonly key: SubjectKeyRecord; readonly keyId: string }[] = [];
  for (const { each, result } of done) {
    if (result instanceof AppError && each.value.keyId === job.targetKeyId) throw result;
    if (result !== undefined && !(result instanceof AppError))
      opened.push({ key: each.value, keyId: result.keyId });
  }
  const verified = opened.filter(({ key, keyId }) => isMoved(job, key) && keyId === job.targetKeyId);
  return {
    verified: verified.length,
    unreadable: done.length - opened.length,
    left: opened.length - verified.length,
  };
}
