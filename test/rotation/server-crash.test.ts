/** Room: test. A task that is killed at every call of a port, and two that run at once: one import a generation. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { removeServerCertificate } from "../../core/rotation/server-removal.ts";
import { tendServerCertificates } from "../../core/rotation/server-tending.ts";
import type { Death } from "../revocation/mortal.ts";
import { testFleet } from "../support/fleet-app.ts";
import { leaks } from "../support/key-leaks.ts";
import { mortalServer } from "./mortal-server.ts";
import { day, openServerWorld, type ServerWorld } from "./server-world.ts";

let world: ServerWorld;
beforeEach(async () => {
  world = await openServerWorld();
});
afterEach(() => world.close());

const tend = () => tendServerCertificates(world.serverApp);
const act = { fleet: testFleet, name: "api", actor: "operator:operator-1" };
const deaths: readonly Death[] = ["before the call", "before the answer"];
/** More than a lease, and than an intent's. */
const pause = 130_000 + leaseMilliseconds;

async function serverCertificates() {
  const { certificates } = await listCertificates(world.serverApp, { fleet: testFleet, limit: 900 });
  return certificates.filter(({ subjectKind }) => subjectKind === "server");
}

/** Every server certificate in force is held in one of the record's places: no key but ACM's is trusted. */
async function expectSettled(): Promise<void> {
  const record = await world.record();
  expect(record).toMatchObject({ state: "current", failures: 0 });
  expect(record.pending).toBeUndefined();
  const { certificates } = world.serverApp;
  const ids = [record.certificateId, ...record.slots.map((slot) => slot?.certificateId)];
  const held = await Promise.all(ids.flatMap((id) => (id === undefined ? [] : [certificates.describe(id)])));
  const serials = new Set(held.map((one) => one?.serialNumber));
  expect(held[0]?.serialNumber).toBe(record.current?.serialNumber);
  // The first of a generation that was abandoned may be in a copy; it is revoked.
  const inForce = (await serverCertificates()).filter(
    ({ status, subjectId }) => status === "active" && subjectId === "api.example.test",
  );
  expect(inForce.filter(({ serialNumber }) => !serials.has(serialNumber))).toEqual([]);
  expect(inForce.map(({ serialNumber }) => serialNumber)).toContain(record.current?.serialNumber);
  // A copy of the present generation is always there: the next one has something to go back to.
  expect([...serials].length).toBeLessThanOrEqual(2);
  const copy = record.slots[(record.current?.generation ?? 0) % 2];
  expect(copy).toMatchObject({ serialNumber: record.current?.serialNumber });
}

describe.each(deaths)("killed at each of its calls, %s", (death) => {
  it("the next run issues and imports, and what has no key is revoked", { timeout: 240_000 }, async () => {
    await world.request();
    let kills = 0;
    for (let target = 1; ; target += 1) {
      const mortal = mortalServer(world.serverApp, target, death);
      const dead = await mortal.dies(() => tendServerCertificates(mortal.app));
      if (dead) kills += 1;
      world.clock.advance(pause);
      const { generation } = await world.record();
      const report = await tend();
      expect(report).toMatchObject({ failed: 0, drifted: 0 });
      await expectSettled();
      // Never more than one generation a death and its repair.
      expect((await world.record()).generation).toBeLessThanOrEqual(generation + 1);
      expect(await tend()).toEqual({ issued: 0, imported: 0, failed: 0, drifted: 0 });
      if (!dead) break;
      world.clock.advance(20 * day);
    }
    expect(kills).toBeGreaterThan(15);
    expect(leaks([world.received, world.log], world.keys)).toEqual([]);
  });

  it("a removal comes to its end all the same", { timeout: 120_000 }, async () => {
    for (let target = 1; ; target += 1) {
      await world.request();
      await tend();
      await removeServerCertificate(world.serverApp, act);
      const mortal = mortalServer(world.serverApp, target, death);
      const dead = await mortal.dies(() => tendServerCertificates(mortal.app));
      world.clock.advance(pause);
      expect(await tend()).toMatchObject({ failed: 0 });
      await expect(world.record()).rejects.toThrow("there is no server certificate");
      expect((await serverCertificates()).filter(({ status }) => status === "active")).toEqual([]);
      if (!dead) break;
    }
  });
});

describe("at once", () => {
  it("of eight tasks one issues and imports each generation", async () => {
    await world.request();
    await world.request({ name: "www", dnsNames: ["www.example.test"] });
    for (let generation = 1; generation <= 4; generation += 1) {
      const reports = await Promise.all(Array.from({ length: 8 }, tend));
      const sum = (of: "issued" | "imported" | "failed" | "drifted") =>
        reports.reduce((total, report) => total + report[of], 0);
      expect([sum("issued"), sum("imported"), sum("failed"), sum("drifted")]).toEqual([2, 2, 0, 0]);
      expect((await world.record()).generation).toBe(generation);
      await expectSettled();
      world.clock.advance(20 * day);
    }
    expect(world.acts.filter((each) => each.startsWith("import"))).toHaveLength(16);
  });

  it("a task that outlives its lease imports nothing over what another task has imported", async () => {
    await world.request();
    await tend();
    world.clock.advance(20 * day);
    const { serverApp } = world;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = {
      ...serverApp,
      serverKeys: {
        make: async (algorithm: Parameters<typeof serverApp.serverKeys.make>[0]) => {
          await held;
          return serverApp.serverKeys.make(algorithm);
        },
      },
    };
    const slowRun = tendServerCertificates(slow);
    while ((await world.record()).leaseUntil === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    world.clock.advance(pause);
    expect(await tend()).toMatchObject({ issued: 1, imported: 1 });
    const { current } = await world.record();
    release();
    expect(await slowRun).toEqual({ issued: 0, imported: 0, failed: 0, drifted: 0 });
    expect((await world.record()).current).toEqual(current);
    await expectSettled();
  });
});
