import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enroll } from "../../core/enrollment/enroll.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import type { Notice, Notifier } from "../../core/ports.ts";
import { createLog } from "../../lambdas/http/logger.ts";
import { reconciliationFunction } from "../../lambdas/reconciliation/handler.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FaultyKeys, faultyKeys } from "../support/faulty-keys.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let opened: FleetApp;
let keys: FaultyKeys;
let lines: string[];
let notices: Notice[];
beforeEach(async () => {
  opened = await openFleetApp();
  keys = faultyKeys(opened.app.keys);
  lines = [];
  notices = [];
});
afterEach(() => opened.close());

function run(remaining?: number) {
  const notifier: Notifier = { notify: async (notice) => void notices.push(notice) };
  const log = createLog({ write: (line) => lines.push(line) });
  const handler = reconciliationFunction({ ...opened.app, keys, log, notifier });
  return handler(
    { source: "schedule" },
    remaining === undefined ? {} : { getRemainingTimeInMillis: () => remaining },
  );
}

async function leaveIntent(): Promise<void> {
  const request = { fleet, actor: "operator:operator-1", deviceId: "pump-1" };
  const { token } = await createEnrollmentToken(opened.app, request);
  keys.fault = "unavailable";
  const failed = enroll({ ...opened.app, keys }, { fleet, token, csr: deviceCsr(deviceKey()) });
  expect(await codeOf(failed)).toBe("key_service_unavailable");
  keys.fault = "none";
}

describe("task reconcile", () => {
  it("logs each run's measures as numbers that a metric filter reads, none of them redacted", async () => {
    await run();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        level: "info",
        event: "reconciled",
        finished: 0,
        closed: 0,
        failed: 0,
        open: 0,
        oldestOpenSeconds: 0,
      },
    ]);
  });

  it("finishes what a crash left", async () => {
    await leaveIntent();
    expect(await run(60_000)).toMatchObject({ finished: 1, open: 0 });
    expect(notices).toEqual([]);
  });

  it("without time left leaves it, and says so", async () => {
    await leaveIntent();
    expect(await run(0)).toMatchObject({ finished: 0, open: 1 });
    expect(keys.signatures).toBe(0);
  });

  it("tells people how many were closed unfinished", async () => {
    await leaveIntent();
    opened.clock.advance(86_400_000 + leaseMilliseconds);
    await run(60_000);
    expect(notices).toEqual([{ event: "issuance.closed", severity: "warning", measures: { closed: 1 } }]);
  });

  it("rejects with the store's code when the store cannot be read", async () => {
    const { items } = opened.app;
    const notifier: Notifier = { notify: async () => undefined };
    const unread = { ...items, query: () => items.query({ pk: "", limit: 1 }) };
    const handler = reconciliationFunction({ ...opened.app, items: unread, notifier });
    await expect(handler({})).rejects.toMatchObject({ name: "store_limit_exceeded" });
  });
});
