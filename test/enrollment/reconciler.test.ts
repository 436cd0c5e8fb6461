import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enroll } from "../../core/enrollment/enroll.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { reconcile } from "../../core/enrollment/reconciler.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import type { App, Notice, Notifier } from "../../core/ports.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { storedAuthority } from "../../core/rotation/rollover-store.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FaultyKeys, faultyKeys } from "../support/faulty-keys.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let opened: FleetApp;
let keys: FaultyKeys;
let app: App;
beforeEach(async () => {
  opened = await openFleetApp();
  keys = faultyKeys(opened.app.keys);
  app = { ...opened.app, keys };
});
afterEach(() => opened.close());

/** Intents whose signer failed; each `apart` milliseconds younger than the one before. */
async function leaveIntents(count: number, apart = 0): Promise<void> {
  keys.fault = "unavailable";
  for (let index = 0; index < count; index += 1) {
    const request = { fleet, actor: "operator:operator-1", deviceId: `pump-${index}` };
    const { token } = await createEnrollmentToken(app, request);
    const failed = enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) });
    expect(await codeOf(failed)).toBe("key_service_unavailable");
    opened.clock.advance(apart);
  }
  keys.fault = "none";
}

const reconciledLines = () => opened.log.filter(({ event }) => event === "reconciled");

describe("the reconciler's report", () => {
  it("nothing is open: no age, and no line in the log", async () => {
    const nothing = { finished: 0, closed: 0, failed: 0, open: 0, oldestOpenSeconds: 0 };
    expect(await reconcile(app)).toEqual(nothing);
    expect(reconciledLines()).toEqual([]);
  });

  it("logs every run for whoever measures every run", async () => {
    await reconcile(app, { logEveryRun: true });
    expect(reconciledLines()).toEqual([
      {
        level: "info",
        event: "reconciled",
        fields: { finished: 0, closed: 0, failed: 0, open: 0, oldestOpenSeconds: 0 },
      },
    ]);
  });

  it("what failed again is open, and the oldest gives the age", async () => {
    await leaveIntents(3, 60_000);
    keys.fault = "unavailable";
    const report = await reconcile(app);
    expect(report).toMatchObject({ finished: 0, failed: 3, open: 3 });
    // The clock was moved by a minute for each, so the second oldest is 120 s old.
    expect(report.oldestOpenSeconds).toBeGreaterThanOrEqual(180);
    expect(reconciledLines()).toHaveLength(1);
  });

  it("what a live signer holds is open, and nothing failed", async () => {
    const { token } = await createEnrollmentToken(app, {
      fleet,
      actor: "operator:operator-1",
      deviceId: "pump-1",
    });
    const signing = { ...app, keys: { ...keys, sign: () => new Promise<never>(() => undefined) } };
    void enroll(signing, { fleet, token, csr: deviceCsr(deviceKey()) });
    await opened.clock.sleep(200);
    expect(await reconcile(app)).toMatchObject({ finished: 0, failed: 0, open: 1 });
    opened.clock.advance(leaseMilliseconds + 1);
    expect(await reconcile(app)).toMatchObject({ finished: 1, open: 0, oldestOpenSeconds: 0 });
  });
});

describe("an intent of an authority that was replaced meanwhile", () => {
  it.each([
    { state: "draining", outcome: { finished: 1, closed: 0 }, signatures: 1 },
    { state: "retired", outcome: { finished: 0, closed: 1 }, signatures: 0 },
    { state: "destroyed", outcome: { finished: 0, closed: 1 }, signatures: 0 },
  ] as const)("$state: $outcome", async ({ state, outcome, signatures }) => {
    await leaveIntents(1);
    const { value, version } = await storedAuthority(app, fleet, "issuing-1");
    await app.items.transact([{ put: authorityItem({ ...value, state }), when: version }]);
    expect(await reconcile(app)).toMatchObject({ ...outcome, failed: 0, open: 0 });
    expect(keys.signatures).toBe(signatures);
  });
});

describe("a reconciler whose time is bounded", () => {
  it("begins nothing after its time, counts what it leaves, and the next run finishes that", async () => {
    await leaveIntents(5);
    expect(await reconcile(app, { until: opened.clock.now() })).toMatchObject({ finished: 0, open: 5 });
    expect(keys.signatures).toBe(0);
    expect(await reconcile(app, { until: opened.clock.now() + 60_000 })).toMatchObject({
      finished: 5,
      open: 0,
    });
  });

  it("stops between two intents when its time runs out on the way", async () => {
    await leaveIntents(40);
    // Each signature takes a minute, in a run that has two.
    const slow = {
      ...keys,
      sign: async (keyId: string, message: Uint8Array) => {
        opened.clock.advance(60_000);
        return keys.sign(keyId, message);
      },
    };
    const until = opened.clock.now() + 120_000;
    const { finished, open } = await reconcile({ ...app, keys: slow }, { until });
    expect(finished + open).toBe(40);
    expect(open).toBeGreaterThan(0);
    expect(finished).toBeGreaterThan(0);
    // Whatever the first run left, held or not.
    opened.clock.advance(leaseMilliseconds + 1);
    expect(await reconcile(app)).toMatchObject({ finished: open, open: 0 });
  });
});

describe("notices of what was closed", () => {
  it("counts what was closed unfinished, and is silent when nothing was", async () => {
    const notices: Notice[] = [];
    const notifier: Notifier = { notify: async (notice) => void notices.push(notice) };
    await leaveIntents(2);
    opened.clock.advance(86_400_000 + leaseMilliseconds);
    expect(await reconcile(app, { notifier })).toMatchObject({ closed: 2, open: 0 });
    expect(await reconcile(app, { notifier })).toMatchObject({ closed: 0 });
    expect(notices).toEqual([{ event: "issuance.closed", severity: "warning", measures: { closed: 2 } }]);
  });
});

describe("a store that does not list", () => {
  it("fails the run when all of it has come to rest", async () => {
    await leaveIntents(4);
    let queries = 0;
    let pending = 0;
    const items: App["items"] = {
      ...opened.app.items,
      get: (key) => opened.app.items.get(key),
      async transact(operations) {
        pending += 1;
        await opened.app.items.transact(operations).finally(() => {
          pending -= 1;
        });
      },
      async query(query) {
        if (query.index === "open") queries += 1;
        if (queries === 1) throw new Error("the first shard cannot be read");
        return opened.app.items.query(query);
      },
    };
    await expect(reconcile({ ...app, items })).rejects.toThrow("first shard");
    expect(pending).toBe(0);
    expect(queries).toBe(16);
  });
});
