/**
 * Room: test/support. An ObjectStore in memory that keeps every version, as a versioned bucket does, and judges
 * conditions when the write happens, not when it was asked for.
 */
import { hash } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import type { NewObject, ObjectStore, StoredObject } from "../../core/ports.ts";

export interface MemoryObjectStore extends ObjectStore {
  /** Keys that hold something, in the order of their first version. */
  readonly keys: readonly string[];
  /** Every version of `key`, the oldest first; those before it was removed are gone. */
  versions(key: string): readonly NewObject[];
  text(key: string): string;
}

const tagOf = ({ body }: NewObject): string => `"${hash("sha256", body)}"`;

/** @param options.namesVersions Whether reads and writes tell version ids. */
export function memoryObjectStore(options: { readonly namesVersions: boolean }): MemoryObjectStore {
  const objects = new Map<string, NewObject[]>();
  const named = (count: number) => (options.namesVersions ? { versionId: `version-${count}` } : {});
  const read = (key: string): StoredObject | undefined => {
    const versions = objects.get(key) ?? [];
    const last = versions.at(-1);
    return last === undefined ? undefined : { ...last, tag: tagOf(last), ...named(versions.length) };
  };
  return {
    get keys() {
      return [...objects.keys()];
    },
    versions: (key) => objects.get(key) ?? [],
    text: (key) => Buffer.from(read(key)?.body ?? []).toString(),
    async get(key) {
      await Promise.resolve();
      return read(key);
    },
    async put(key, object, when) {
      await Promise.resolve();
      const present = read(key);
      const holds =
        when === undefined || (when === "absent" ? present === undefined : present?.tag === when.tag);
      if (!holds) throw new AppError("store_condition_failed", `object "${key}" is not as expected`);
      objects.set(key, [...(objects.get(key) ?? []), { ...object, body: Buffer.from(object.body) }]);
      return { tag: tagOf(object), ...named(objects.get(key)?.length ?? 0) };
    },
    async remove(key) {
      await Promise.resolve();
      objects.delete(key);
    },
  };
}
