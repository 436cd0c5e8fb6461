/** Room: test. Bounds of the data keys in memory: age, messages, octets, keys; what ends is overwritten. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cacheBounds } from "../../protect/cache-bounds.ts";
import { DataKeyCache, type Overwritten } from "../../protect/data-key-cache.ts";

class Key implements Overwritten {
  readonly octets = Buffer.alloc(32, 7);
  zeroUnencryptedDataKey(): void {
    this.octets.fill(0);
  }
}

const standard = cacheBounds();
const zeroed = ({ octets }: Key): boolean => octets.every((each) => each === 0);

function cacheOf(bounds = {}) {
  const made: Key[] = [];
  const cache = new DataKeyCache<Key>({ ...standard, ...bounds });
  const fetch = async (): Promise<Key> => {
    const key = new Key();
    made.push(key);
    await Promise.resolve();
    return key;
  };
  const take = (name = "a", bytes = 1) =>
    cache.with(name, bytes, fetch, (key) => ({ key, copy: Buffer.from(key.octets) }));
  return { cache, made, take };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("bounds", () => {
  it.each([
    { ageSeconds: 301 },
    { ageSeconds: 0 },
    { messages: 1_000_001 },
    { bytes: 68_719_476_737 },
    { keys: 0 },
    { keys: 1.5 },
    { ageSeconds: Number.NaN },
  ])("SP 800-57 Part 1 r5 §5.3: none is beyond the standard's: %j", (given) => {
    expect(() => cacheBounds(given)).toThrow(/limit 1 to/);
  });

  it("are the standard's where nothing is said", () => {
    expect(standard).toEqual({ ageSeconds: 60, messages: 1_000, bytes: 64_000_000, keys: 1_000 });
  });
});

describe("a data key", () => {
  it("is asked for once by callers that come at once", async () => {
    const { made, take } = cacheOf();
    await Promise.all(Array.from({ length: 100 }, () => take()));
    expect(made).toHaveLength(1);
  });

  it("makes so many messages and no more, by callers at once too", async () => {
    const { made, take } = cacheOf({ messages: 10 });
    const taken = await Promise.all(Array.from({ length: 25 }, () => take()));
    expect(made).toHaveLength(3);
    expect(made.map((key) => taken.filter((each) => each.key === key).length)).toEqual([10, 10, 5]);
    expect(taken.every(({ copy }) => copy.equals(Buffer.alloc(32, 7)))).toBe(true);
    expect(made.map(zeroed)).toEqual([true, true, false]);
  });

  it("takes so many octets and no more; a message that alone is longer has a key to itself", async () => {
    const { cache, made, take } = cacheOf({ bytes: 100 });
    for (const bytes of [60, 40, 1, 500, 1]) await take("a", bytes);
    expect(made).toHaveLength(4);
    expect(made.map(zeroed)).toEqual([true, true, true, false]);
    expect(cache.size).toBe(1);
  });

  it("ends at its age when nobody asks for it any more", async () => {
    const { cache, made, take } = cacheOf();
    await take("a");
    await vi.advanceTimersByTimeAsync(30_000);
    await take("b");
    await take("a");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(made.map(zeroed)).toEqual([true, false]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(made.map(zeroed)).toEqual([true, true]);
    expect([cache.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it.each([
    { name: "the wall clock is set back", move: -3_600_000 },
    { name: "the machine slept, and its steady clock with it", move: 61_000 },
  ])("ends when $name", async ({ move }) => {
    const { made, take } = cacheOf();
    await take();
    vi.setSystemTime(Date.now() + move);
    await take();
    expect(made.map(zeroed)).toEqual([true, false]);
  });

  it("is the least recently used that ends when there are too many", async () => {
    const { cache, made, take } = cacheOf({ keys: 2 });
    for (const name of ["a", "b", "a", "c"]) await take(name);
    expect(made.map(zeroed)).toEqual([false, true, false]);
    expect(cache.size).toBe(2);
  });

  it("that could not be had is asked for again", async () => {
    const { cache, take } = cacheOf();
    const failing = async (): Promise<Key> => {
      throw new Error("no key");
    };
    await expect(cache.with("a", 1, failing, (key) => key)).rejects.toThrow("no key");
    expect(cache.size).toBe(0);
    expect((await take()).copy).toEqual(Buffer.alloc(32, 7));
  });
});

describe("forgetting", () => {
  it("overwrites all keys, those on their way as they arrive, and whoever waits still gets a copy", async () => {
    const { cache, made, take } = cacheOf();
    await take("a");
    const waiting = take("b");
    cache.clear();
    expect(cache.size).toBe(0);
    expect((await waiting).copy).toEqual(Buffer.alloc(32, 7));
    await Promise.resolve();
    expect(made.map(zeroed)).toEqual([true, true]);
    await take("a");
    expect(made).toHaveLength(3);
  });
});

it("any calls in any order: no key makes more than it may, none lives on that is not held, nobody gets zeros", async () => {
  const call = fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    bytes: fc.nat(60),
    wait: fc.constantFrom(0, 0, 0, 5_000, 61_000),
    clear: fc.nat(20).map((chance) => chance === 0),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 80 }), async (calls) => {
      const { cache, made, take } = cacheOf({ messages: 4, bytes: 100, keys: 3 });
      const used = new Map<Key, { messages: number; bytes: number }>();
      const taken: Promise<void>[] = [];
      for (const { name, bytes, wait, clear } of calls) {
        taken.push(
          take(name, bytes).then(({ key, copy }) => {
            const { messages, bytes: before } = used.get(key) ?? { messages: 0, bytes: 0 };
            used.set(key, { messages: messages + 1, bytes: before + bytes });
            expect(copy.equals(Buffer.alloc(32, 7))).toBe(true);
          }),
        );
        if (clear) cache.clear();
        if (wait > 0) await vi.advanceTimersByTimeAsync(wait);
      }
      await Promise.all(taken);
      for (const { messages, bytes } of used.values()) {
        expect(messages).toBeLessThanOrEqual(4);
        expect(bytes).toBeLessThanOrEqual(100);
      }
      expect(made.filter((key) => !zeroed(key)).length).toBe(cache.size);
      expect(cache.size).toBeLessThanOrEqual(3);
      cache.clear();
      await vi.advanceTimersByTimeAsync(0);
      expect(made.every(zeroed)).toBe(true);
    }),
  );
});
