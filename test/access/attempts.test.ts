import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertNotLocked, countFailure, limitFailures } from "../../core/access/attempts.ts";
import { AppError } from "../../core/errors.ts";
import { attemptKey } from "../../core/records/attempt-record.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, openFleetApp, testFleet } from "../support/fleet-app.ts";

let opened: FleetApp;
beforeAll(async () => {
  opened = await openFleetApp();
});
afterAll(() => opened.close());

async function fail(identity: string, times: number): Promise<void> {
  for (let failure = 0; failure < times; failure += 1) await countFailure(opened.app, testFleet, identity);
}

const locked = (identity: string, fleet = testFleet) => codeOf(assertNotLocked(opened.app, fleet, identity));

describe("failed attempts of one identity", () => {
  it("nine do nothing, ten lock it, and neither another identity nor another fleet", async () => {
    await fail("one", 9);
    await assertNotLocked(opened.app, testFleet, "one");
    await fail("one", 1);
    expect(await locked("one")).toBe("rate_limited");
    await assertNotLocked(opened.app, testFleet, "two");
    await assertNotLocked(opened.app, "other", "one");
  });

  it("are told with the seconds until the window ends, counted from the first failure", async () => {
    await fail("window", 5);
    opened.clock.advance(600_000);
    await fail("window", 5);
    const error = await assertNotLocked(opened.app, testFleet, "window").catch((thrown: unknown) => thrown);
    if (!(error instanceof AppError)) expect.fail("it is locked");
    expect(error.retryAfter).toBeGreaterThan(290);
    expect(error.retryAfter).toBeLessThanOrEqual(300);
    opened.clock.advance(300_000);
    await assertNotLocked(opened.app, testFleet, "window");
    await fail("window", 9);
    await assertNotLocked(opened.app, testFleet, "window");
  });

  it("50 at once all count, up to the limit", async () => {
    await Promise.all(Array.from({ length: 50 }, () => countFailure(opened.app, testFleet, "crowd")));
    expect(await locked("crowd")).toBe("rate_limited");
    const item = await opened.app.items.get(attemptKey(testFleet, "crowd"));
    expect(item?.attributes["failures"]).toBe(10);
  });

  it("any text is an identity, and the store does not show it", async () => {
    const identity = "ü".repeat(2_000);
    await fail(identity, 10);
    expect(await locked(identity)).toBe("rate_limited");
    expect(attemptKey(testFleet, "operator:somebody").pk).not.toContain("somebody");
  });
});

describe("limitFailures", () => {
  const limited = { fleet: testFleet, identity: "limited", codes: ["passkey_invalid"] } as const;
  const attempt = (code: "passkey_invalid" | "store_unavailable") =>
    codeOf(limitFailures(opened.app, limited, () => Promise.reject(new AppError(code, "no"))));

  it("counts the codes that it is told, and no failure of ours; a locked identity is not even tried", async () => {
    for (let times = 0; times < 12; times += 1)
      expect(await attempt("store_unavailable")).toBe("store_unavailable");
    for (let times = 0; times < 10; times += 1)
      expect(await attempt("passkey_invalid")).toBe("passkey_invalid");
    let tried = false;
    const code = await codeOf(
      limitFailures(opened.app, limited, async () => {
        tried = true;
      }),
    );
    expect([code, tried]).toEqual(["rate_limited", false]);
  });

  it("passes on what succeeds", async () => {
    const value = await limitFailures(opened.app, { ...limited, identity: "fine" }, async () => 7);
    expect(value).toBe(7);
  });
});
