import { describe, expect, it } from "vitest";
import { Failure } from "../../cli/failure.ts";
import { parseRetryAfter, type RetryPolicy, retrying } from "../../cli/retry.ts";

const policy: RetryPolicy = {
  attempts: 4,
  after: ["busy", "reset"],
  firstDelay: 1,
  maximumDelay: 4,
  patience: 1000,
};
const busy = (retryAfter?: number) =>
  new Failure("refused", "busy", "busy", { transience: "busy", retryAfter });

async function countAttempts(failures: readonly Error[], interrupted?: AbortSignal) {
  let attempts = 0;
  const result = await retrying(
    policy,
    async () => {
      const failure = failures[attempts];
      attempts += 1;
      if (failure !== undefined) throw failure;
      return "done";
    },
    interrupted,
  ).catch((error: unknown) => error);
  return { attempts, result };
}

describe("retrying", () => {
  it("tries again after a transient failure until it succeeds", async () => {
    expect(await countAttempts([busy(), busy()])).toEqual({ attempts: 3, result: "done" });
  });

  it("gives up after the policy's attempts, with the last failure", async () => {
    const last = busy();
    expect(await countAttempts([busy(), busy(), busy(), last, busy()])).toEqual({
      attempts: 4,
      result: last,
    });
  });

  const hopeless = [
    { name: "what is no Failure", error: new Error("defect") },
    { name: "a Failure that stays", error: new Failure("refused", "key_weak", "weak") },
    {
      name: "a kind the policy leaves out",
      error: new Failure("unreachable", "x", "x", { transience: "unreachable" }),
    },
    { name: "a Retry-After beyond its patience", error: busy(1001) },
  ];
  it.each(hopeless)("does not repeat $name", async ({ error }) => {
    expect(await countAttempts([error])).toEqual({ attempts: 1, result: error });
  });

  it("waits at least as long as Retry-After asks", async () => {
    const start = performance.now();
    await countAttempts([busy(60)]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(58);
  });

  it("spreads those who were told the same Retry-After, wider each time", async () => {
    const delays: number[] = [];
    let last = performance.now();
    const operation = async (): Promise<never> => {
      delays.push(performance.now() - last);
      last = performance.now();
      throw busy(30);
    };
    const spread = { ...policy, firstDelay: 20, maximumDelay: 40 };
    await retrying(spread, operation, undefined, () => 1).catch(() => undefined);
    for (const [index, atLeast] of [0, 48, 68, 68].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(atLeast);
    }
  });

  it("stops waiting when interrupted", async () => {
    const failure = busy(900);
    const start = performance.now();
    expect(await countAttempts([failure], AbortSignal.timeout(20))).toEqual({ attempts: 1, result: failure });
    expect(performance.now() - start).toBeLessThan(600);
  });
});

describe("RFC 9110 §10.2.3: Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const cases = [
    { value: "7", expected: 7000 },
    { value: " 0 ", expected: 0 },
    { value: "Thu, 01 Jan 2026 00:00:05 GMT", expected: 5000 },
    { value: "Wed, 31 Dec 2025 00:00:00 GMT", expected: 0 },
    { value: "soon", expected: undefined },
    { value: "-3", expected: undefined },
    { value: undefined, expected: undefined },
  ];
  it.each(cases)("$value is $expected ms", ({ value, expected }) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});
