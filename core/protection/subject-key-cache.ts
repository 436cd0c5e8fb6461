/**
 * Room: core/protection. Subject keys in the clear, for minutes, so that not every request asks the key service. What is
 * in it counts for nothing by itself: each use has read the key's item, and a key whose item is gone is never asked for.
 * A key is overwritten when it is too old or one too many, at the next use of any: nothing here has a clock of its own.
 */
import { hash } from "node:crypto";
import type { WrappingKeys } from "../ports.ts";
import { type SubjectKeyRecord, subjectKeyContext } from "../records/subject-key-record.ts";
import { protectionStandard } from "../standard/protection.ts";

const { maximumAgeSeconds, keys: capacity } = protectionStandard.serviceCache;

/** What a key is kept under: all that its wrapping key has bound it to, so that no other subject's item finds it. */
export type CachedKey = Pick<
  SubjectKeyRecord,
  "fleet" | "subject" | "version" | "contextVersion" | "keyId" | "wrapped"
>;

interface Entry {
  readonly key: Buffer;
  readonly since: number;
}

function nameOf(record: CachedKey): string {
  const wrapped = Buffer.from(record.wrapped).toString("base64");
  return hash("sha256", JSON.stringify([Object.entries(subjectKeyContext(record)), record.keyId, wrapped]));
}

// A clock that was set back makes no key younger than it is.
const isOver = ({ since }: Entry, now: number): boolean =>
  now < since || now - since >= maximumAgeSeconds * 1000;

export class SubjectKeyCache {
  readonly #entries = new Map<string, Entry>();

  /** A copy, which the caller overwrites; undefined when there is none, or none young enough. */
  find(record: CachedKey, now: number): Buffer | undefined {
    this.#sweep(now);
    const entry = this.#entries.get(nameOf(record));
    return entry === undefined ? undefined : Buffer.from(entry.key);
  }

  /** Keeps a copy. */
  keep(record: CachedKey, key: Buffer, now: number): void {
    const name = nameOf(record);
    this.#drop(name);
    this.#entries.set(name, { key: Buffer.from(key), since: now });
    this.#sweep(now);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** In the order of their making: the oldest is the first. */
  #sweep(now: number): void {
    for (const [name, entry] of this.#entries) {
      if (!isOver(entry, now) && this.#entries.size <= capacity) return;
      this.#drop(name);
    }
  }

  #drop(name: string): void {
    this.#entries.get(name)?.key.fill(0);
    this.#entries.delete(name);
  }
}

const caches = new WeakMap<WrappingKeys, SubjectKeyCache>();

/** The one of whoever opens the keys: it lasts as long as that does, and is pushed out by nothing else. */
export function subjectKeyCache({ wrappingKeys }: { readonly wrappingKeys: WrappingKeys }): SubjectKeyCache {
  const cache = caches.get(wrappingKeys) ?? new SubjectKeyCache();
  caches.set(wrappingKeys, cache);
  return cache;
}
