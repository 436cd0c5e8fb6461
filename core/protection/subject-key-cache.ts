/**
 * Room: core/protection. Subject keys in the clear, for minutes, so that not every request asks the key service. What is
 * in it counts for nothing by itself: each use has read the key's item, and a key whose item is gone is never asked for.
 */
import { hash } from "node:crypto";
import type { Clock, Memo } from "../ports.ts";
import { protectionStandard } from "../standard/protection.ts";

const { maximumAgeSeconds, keys: capacity } = protectionStandard.serviceCache;

interface Entry {
  readonly key: Buffer;
  readonly since: number;
}

export class SubjectKeyCache {
  readonly #entries = new Map<string, Entry>();

  /** A copy, which the caller overwrites; undefined when there is none, or none young enough. */
  find(wrapped: Uint8Array, now: number): Buffer | undefined {
    const name = hash("sha256", wrapped);
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    if (now - entry.since < maximumAgeSeconds * 1000) return Buffer.from(entry.key);
    this.#drop(name);
    return undefined;
  }

  /** Keeps a copy. */
  keep(wrapped: Uint8Array, key: Buffer, now: number): void {
    const name = hash("sha256", wrapped);
    this.#drop(name);
    this.#entries.set(name, { key: Buffer.from(key), since: now });
    // In the order of their making: the oldest is the first.
    for (const [oldest, { since }] of this.#entries) {
      const isOver = now - since >= maximumAgeSeconds * 1000;
      if (!isOver && this.#entries.size <= capacity) break;
      this.#drop(oldest);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  #drop(name: string): void {
    this.#entries.get(name)?.key.fill(0);
    this.#entries.delete(name);
  }
}

/** The one of this process. */
export function subjectKeyCache(app: { readonly memo: Memo; readonly clock: Clock }): SubjectKeyCache {
  return app.memo.get("subject-key-cache", () => new SubjectKeyCache());
}
