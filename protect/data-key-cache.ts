/**
 * Room: protect. Data keys in memory: whose they are, how old, and what is left of them. The cache of the SDK cannot be
 * emptied, looks for old keys once a minute and at one of them, and asks once for every caller that comes before the
 * first answer; this one ends a key at its age, can forget, and asks once.
 */
import type { CacheBounds } from "./cache-bounds.ts";

/** What can be overwritten. The SDK's materials are. */
export interface Overwritten {
  zeroUnencryptedDataKey(): unknown;
}

interface Entry<Material extends Overwritten> {
  readonly material: Promise<Material>;
  readonly since: Moment;
  messages: number;
  bytes: number;
}

/** Two clocks: one can be set back, the other may stand still while the machine sleeps. */
interface Moment {
  readonly wall: number;
  readonly steady: number;
}

const moment = (): Moment => ({ wall: Date.now(), steady: performance.now() });

/** Milliseconds since then by the clock that went further; a wall clock set back before it ends the key. */
function elapsed(since: Moment): number {
  const wall = Date.now() - since.wall;
  return wall < 0 ? Number.POSITIVE_INFINITY : Math.max(wall, performance.now() - since.steady);
}

export class DataKeyCache<Material extends Overwritten> {
  readonly #bounds: CacheBounds;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry<Material>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  /** Keys that are held, or asked for. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * What `use` makes of the key of that name; `fetch` is called when there is none that may take a message of `bytes`
   * more. Everything is counted before anything is waited for, so callers at once cannot pass a bound together.
   * A failure is not kept. `use` must copy: the key may end right after it.
   */
  with<Copy>(
    name: string,
    bytes: number | undefined,
    fetch: () => Promise<Material>,
    use: (material: Material) => Copy,
  ): Promise<Copy> {
    const entry = this.#usable(name, bytes ?? 0) ?? this.#made(name, fetch);
    if (bytes !== undefined) entry.messages += 1;
    entry.bytes += bytes ?? 0;
    const copied = entry.material.then(use);
    // One message beyond the bound of octets has a key to itself.
    if (entry.bytes > this.#bounds.bytes) this.#end(name, entry);
    return copied;
  }

  /** Ends every key; those that are on their way end when they arrive. */
  clear(): void {
    for (const [name, entry] of this.#entries) this.#end(name, entry);
  }

  #usable(name: string, bytes: number): Entry<Material> | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const spent = entry.messages >= this.#bounds.messages || entry.bytes + bytes > this.#bounds.bytes;
    if (spent || this.#isOld(entry)) {
      this.#end(name, entry);
      return undefined;
    }
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry;
  }

  #made(name: string, fetch: () => Promise<Material>): Entry<Material> {
    const entry: Entry<Material> = { material: fetch(), since: moment(), messages: 0, bytes: 0 };
    this.#entries.set(name, entry);
    entry.material.catch(() => this.#end(name, entry));
    for (const [oldest, held] of this.#entries) {
      if (this.#entries.size <= this.#bounds.keys) break;
      this.#end(oldest, held);
    }
    this.#timer ??= this.#sweepIn(this.#bounds.ageSeconds * 1000);
    return entry;
  }

  #isOld({ since }: Entry<Material>): boolean {
    return elapsed(since) >= this.#bounds.ageSeconds * 1000;
  }

  /** Overwritten after whoever waits for it already has copied it: they asked first. */
  #end(name: string, entry: Entry<Material>): void {
    if (this.#entries.get(name) === entry) this.#entries.delete(name);
    entry.material.then(
      (material) => material.zeroUnencryptedDataKey(),
      () => undefined,
    );
    if (this.#entries.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A key that nobody asks for any more ends too. The timer keeps no process alive. */
  #sweepIn(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#sweep(), milliseconds).unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const [name, entry] of this.#entries) {
      if (this.#isOld(entry)) this.#end(name, entry);
      else next = Math.min(next, this.#bounds.ageSeconds * 1000 - elapsed(entry.since));
    }
    if (this.#entries.size > 0) this.#timer = this.#sweepIn(Math.max(1, Math.ceil(next)));
  }
}
