import { describe, expect, it } from "vitest";
import { systemClock } from "../../../adapters/system/clock.ts";
import { systemEntropy } from "../../../adapters/system/entropy.ts";

describe("systemClock", () => {
  it("tells whole milliseconds since the epoch", () => {
    const before = Date.now();
    const now = systemClock.now();
    expect(Number.isInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual(before);
  });

  it("sleeps at least as long as asked", async () => {
    const before = performance.now();
    await systemClock.sleep(20);
    // Timers count whole milliseconds, so one may be missing.
    expect(performance.now() - before).toBeGreaterThanOrEqual(19);
  });
});

describe("systemEntropy", () => {
  it.each([1, 16, 65_536])("%i octets", (length) => {
    expect(systemEntropy.bytes(length)).toHaveLength(length);
  });

  it("never the same twice", () => {
    const drawn = Array.from({ length: 1_000 }, () => Buffer.from(systemEntropy.bytes(16)).toString("hex"));
    expect(new Set(drawn).size).toBe(1_000);
  });

  it.each([0, -1, 1.5, 65_537, Number.NaN])("a length of %s is refused", (length) => {
    expect(() => systemEntropy.bytes(length)).toThrow(/limit 1 to 65536/);
  });
});
