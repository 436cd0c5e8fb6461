import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import type { ItemStore, ServiceApp, WriteOperation } from "../../core/ports.ts";
import { distributionFunction } from "../../lambdas/distribution/handler.ts";
import { healthKey } from "../../lambdas/distribution/health.ts";
import { openFleetApp } from "../support/fleet-app.ts";
import { emptyApp, gatewayEvent, problemOf } from "./gateway-event.ts";

const fullDisk = new AppError("store_unavailable", "the disk of the item database is full; free space");

/** An App whose clock and store a test holds in its hands; `reads` still work when writes fail. */
function appWith(transact: ItemStore["transact"]) {
  const app = emptyApp();
  const clock = { ...app.clock, at: 1_000_000, now: () => clock.at };
  const written: (readonly WriteOperation[])[] = [];
  const items: ItemStore = {
    ...app.items,
    transact: (operations) => {
      written.push(operations);
      return transact(operations);
    },
  };
  return { app: { ...app, clock, items } satisfies ServiceApp, clock, written, lines: app.lines };
}

const health = gatewayEvent({ path: "/healthz" });

describe("GET /healthz says whether the store takes writes", () => {
  it("503 store_unavailable while every write fails, though reads succeed", async () => {
    const { app, lines } = appWith(() => Promise.reject(fullDisk));
    const result = await distributionFunction(app)(health);
    expect(result.statusCode).toBe(503);
    expect(problemOf(result)).toMatchObject({ code: "store_unavailable" });
    expect(result.headers).toHaveProperty("retry-after");
    expect(lines[0]?.fields).toMatchObject({ code: "store_unavailable", detail: fullDisk.message });
  });

  it("writes: a mere condition commits on a full disk too", async () => {
    const { app, written } = appWith(async () => undefined);
    expect((await distributionFunction(app)(health)).statusCode).toBe(200);
    expect(written).toEqual([[{ put: { ...healthKey, attributes: {} }, when: "absent" }]]);
  });

  it("a failure that is none of the store's is store_unavailable too", async () => {
    const { app } = appWith(() => Promise.reject(new TypeError("hunter2")));
    const result = await distributionFunction(app)(health);
    expect(problemOf(result)).toMatchObject({ code: "store_unavailable" });
    expect(result.body).not.toContain("hunter2");
  });

  it("another process that wrote at the same time has proved it", async () => {
    const taken = new AppError("store_condition_failed", "condition of operation 0 did not hold");
    const { app } = appWith(() => Promise.reject(taken));
    expect((await distributionFunction(app)(health)).statusCode).toBe(200);
  });
});

describe("anybody may ask, so asking costs one write a second at most", () => {
  it("those who ask at once or within the second share one outcome", async () => {
    const { app, clock, written } = appWith(async () => undefined);
    const handler = distributionFunction(app);
    await Promise.all(Array.from({ length: 100 }, () => handler(health)));
    clock.at += 999;
    await handler(health);
    expect(written).toHaveLength(1);
    clock.at += 1;
    await handler(health);
    expect(written).toHaveLength(2);
  });

  it("a failure is shared as well, and over when writes succeed again", async () => {
    let isFull = true;
    const { app, clock, written } = appWith(() => (isFull ? Promise.reject(fullDisk) : Promise.resolve()));
    const handler = distributionFunction(app);
    const status = async (): Promise<number> => (await handler(health)).statusCode;
    expect([await status(), await status()]).toEqual([503, 503]);
    expect(written).toHaveLength(1);
    isFull = false;
    clock.at += 1_000;
    expect(await status()).toBe(200);
  });

  it("a clock that is set back makes no outcome last", async () => {
    const { app, clock, written } = appWith(async () => undefined);
    const handler = distributionFunction(app);
    await handler(health);
    clock.at -= 3_600_000;
    await handler(health);
    expect(written).toHaveLength(2);
  });
});

it("on the real store one item is written over and over", async () => {
  const house = await openFleetApp();
  const handler = distributionFunction(house.app);
  for (const version of [1, 2, 3]) {
    expect((await handler(health)).statusCode).toBe(200);
    expect(await house.app.items.get(healthKey)).toMatchObject({ version, attributes: {} });
    house.clock.advance(1_000);
  }
  await house.close();
});
