/** Room: test. Keys in memory: bounded in age and number, overwritten when they go, of one subject and version alone. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type CachedKey, SubjectKeyCache } from "../../core/protection/subject-key-cache.ts";
import { protectionStandard } from "../../core/standard/protection.ts";

const { maximumAgeSeconds, keys: capacity } = protectionStandard.serviceCache;
const age = maximumAgeSeconds * 1000;

const record = (subject: string, wrapped = Buffer.from(subject)): CachedKey => ({
  fleet: "default",
  subject,
  version: 1,
  contextVersion: 1,
  keyId: "local:default-protection:1",
  wrapped,
});
const key = () => randomBytes(32);

/** Runs `work` and collects the buffers that were overwritten whole meanwhile. */
function overwritten(work: () => void): readonly Buffer[] {
  const filled: Buffer[] = [];
  const { fill } = Buffer.prototype;
  Buffer.prototype.fill = function (this: Buffer, ...rest: Parameters<typeof fill>) {
    filled.push(this);
    return fill.apply(this, rest);
  };
  try {
    work();
  } finally {
    Buffer.prototype.fill = fill;
  }
  return filled;
}

describe("a key in memory", () => {
  it("is a copy, in and out: whoever overwrites its own overwrites no other's", () => {
    const cache = new SubjectKeyCache();
    const own = key();
    const same = Buffer.from(own);
    cache.keep(record("s-1"), own, 0);
    own.fill(0);
    cache.find(record("s-1"), 0)?.fill(0);
    expect(cache.find(record("s-1"), 0)?.equals(same)).toBe(true);
  });

  it.each([
    ["just made", 0, true],
    ["a moment before its end", age - 1, true],
    ["at its end", age, false],
    ["when the clock was set back", -1, false],
  ])("%s", (_name, now, isFound) => {
    const cache = new SubjectKeyCache();
    cache.keep(record("s-1"), key(), 0);
    expect(cache.find(record("s-1"), now) !== undefined).toBe(isFound);
    expect(cache.size).toBe(isFound ? 1 : 0);
  });

  it.each<[string, Partial<CachedKey>]>([
    ["subject", { subject: "s-2" }],
    ["fleet", { fleet: "other" }],
    ["version", { version: 2 }],
    ["form of context", { contextVersion: 2 }],
    ["wrapping key", { keyId: "local:default-protection:2" }],
    ["wrapped octets", { wrapped: Buffer.from("s-1'") }],
  ])("is not found under another %s", (_name, change) => {
    const cache = new SubjectKeyCache();
    cache.keep(record("s-1"), key(), 0);
    expect(cache.find({ ...record("s-1"), ...change }, 0)).toBeUndefined();
    expect(cache.find(record("s-1"), 0)).toBeDefined();
  });

  it("is overwritten when its time is over, at the next use of any other", () => {
    const cache = new SubjectKeyCache();
    for (const subject of ["s-1", "s-2"]) cache.keep(record(subject), key(), 0);
    const gone = overwritten(() => cache.find(record("s-3"), age));
    expect(gone).toHaveLength(2);
    expect(gone.every((each) => each.equals(Buffer.alloc(32)))).toBe(true);
    expect(cache.size).toBe(0);
  });

  it("is overwritten when another takes its place", () => {
    const cache = new SubjectKeyCache();
    cache.keep(record("s-1"), key(), 0);
    expect(overwritten(() => cache.keep(record("s-1"), key(), 1))).toHaveLength(1);
    expect(cache.size).toBe(1);
  });

  it(`is one of at most ${capacity}: the oldest goes first, overwritten`, () => {
    const cache = new SubjectKeyCache();
    const subjects = Array.from({ length: capacity }, (_, index) => `s-${index}`);
    for (const [index, subject] of subjects.entries()) cache.keep(record(subject), key(), index);
    expect(cache.size).toBe(capacity);
    const gone = overwritten(() => cache.keep(record("s-more"), key(), capacity));
    expect(gone).toHaveLength(1);
    expect(cache.size).toBe(capacity);
    expect(cache.find(record("s-0"), capacity)).toBeUndefined();
    for (const subject of ["s-1", "s-more"]) expect(cache.find(record(subject), capacity)).toBeDefined();
  });
});
