/**
 * Room: test. A task or a person's call that dies before or after any one of its calls to the world: the next run comes
 * to the same end as one that nobody disturbed, people are told, and no root stays lent.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { advanceRollovers } from "../../core/rotation/advance.ts";
import { listCeremonies } from "../../core/rotation/ceremony.ts";
import { cancelDestruction } from "../../core/rotation/destruction.ts";
import { holdCeremonies } from "../../core/rotation/held-ceremony.ts";
import { lendRoots, returnRoots } from "../../core/rotation/loans.ts";
import { rollbackRollover } from "../../core/rotation/rollback.ts";
import { listRollovers } from "../../core/rotation/rollover.ts";
import { dies } from "./rollover-deaths.ts";
import {
  approved,
  day,
  name,
  openRolloverFleet,
  type RolloverApp,
  type RolloverFleet,
  settle,
  tick,
} from "./rollover-fleet.ts";
import { advance, authorities, bringTo, ceremony, issuer, plan } from "./rollover-steps.ts";

let origin: RolloverFleet;
beforeAll(async () => {
  origin = await openRolloverFleet();
});
afterAll(() => origin.close());

/** What must be the same whatever died: no ids, no times. */
async function outcome({ app, kept, records, notices }: RolloverFleet) {
  const { rollovers } = await listRollovers(app, { fleet: name, limit: 10 });
  const { ceremonies } = await listCeremonies(app, { fleet: name, limit: 10 });
  const { certificates } = await listCertificates(app, { fleet: name, limit: 100 });
  return {
    authorities: await authorities(app),
    issuer: await issuer(app),
    rollovers: rollovers.map(({ kind, state, from, to, trustVersion }) => ({
      kind,
      state,
      from,
      to,
      trustVersion,
    })),
    ceremonies: ceremonies.map(({ state, purpose, rootsLent }) => ({ state, purpose, rootsLent })),
    certified: certificates.map(({ profile }) => profile).sort(),
    loans: kept.loans.size,
    deletions: kept.deletions.size,
    transcripts: records.keys.map(
      (key) => `${key.replace(/.*Z-|-[0-9a-f]{32}/g, "")} ${records.versions(key).length}`,
    ),
    told: [
      ...new Set(
        notices.map(
          ({ event, subject }) => `${event} ${/^[0-9a-f]{32}$/.test(subject ?? "") ? "" : subject}`,
        ),
      ),
    ].sort(),
  };
}

/** Makes `work` die at each of its steps in turn, on a fleet of its own, and repeats it. Returns how often it died. */
async function dieEverywhere(
  before: RolloverFleet,
  work: (app: RolloverApp) => Promise<unknown>,
  repeat: (app: RolloverApp) => Promise<unknown> = work,
): Promise<number> {
  const undisturbed = await before.copy();
  await work(undisturbed.app);
  undisturbed.advance(leaseMilliseconds + 1);
  await settle(undisturbed.app);
  const wanted = await outcome(undisturbed);
  for (let target = 1; ; target += 1) {
    const fleet = await before.copy();
    const died = await dies(fleet.app, target, work);
    fleet.advance(leaseMilliseconds + 1);
    await repeat(fleet.app);
    await settle(fleet.app);
    expect(await outcome(fleet), `died at step ${target}`).toEqual(wanted);
    const told = fleet.notices.map(({ event, subject }) => `${event} ${subject}`);
    for (const each of told)
      expect(
        told.filter((one) => one === each).length,
        `${each}, died at step ${target}`,
      ).toBeLessThanOrEqual(2);
    if (!died) return target - 1;
  }
}

const copy = () => origin.copy();
const run = (app: RolloverApp) => advanceRollovers(app, name);

describe("a run that dies at any call", () => {
  it.each(["issuing", "root"] as const)("published → active, of kind %s", async (kind) => {
    const fleet = await copy();
    await bringTo(fleet, kind, "published");
    fleet.advance(31 * day);
    expect(await dieEverywhere(fleet, run)).toBeGreaterThan(20);
  });

  it.each([
    ["active", "draining", 2],
    ["draining", "retired", 400],
  ] as const)("%s → %s", async (from, _to, days) => {
    const fleet = await copy();
    await bringTo(fleet, "issuing", from);
    fleet.advance(days * day);
    expect(await dieEverywhere(fleet, run)).toBeGreaterThan(10);
  });

  it("retired → destroyed, the end of the key, and its recovery", async () => {
    const fleet = await copy();
    const id = await bringTo(fleet, "issuing", "retired");
    fleet.advance(40 * day);
    await advance(fleet.app, id, "destroyed");
    expect(await dieEverywhere(fleet, run)).toBeGreaterThan(10);
    await settle(fleet.app);
    const cancelled = await fleet.copy();
    fleet.advance(31 * day);
    expect(await dieEverywhere(fleet, run)).toBeGreaterThan(5);
    const people = await approved(cancelled.app, { critical: "keyDestruction", what: id });
    await cancelDestruction(cancelled.app, { ...people, rolloverId: id });
    expect(await dieEverywhere(cancelled, run)).toBeGreaterThan(5);
  });

  it("rolledBack: the successor leaves the trust when its certificates have ended", async () => {
    const fleet = await copy();
    const id = await bringTo(fleet, "issuing", "active");
    const people = await approved(fleet.app, { critical: "authorityRotation", what: id });
    await rollbackRollover(fleet.app, { ...people, rolloverId: id });
    fleet.advance(400 * day);
    expect(await dieEverywhere(fleet, run)).toBeGreaterThan(10);
  });

  it("an emergency: windows, retirement, revocation", async () => {
    const fleet = await copy();
    const { rolloverId } = await plan(fleet.app, "issuing", { emergency: true });
    await ceremony(fleet.app, rolloverId);
    await settle(fleet.app);
    await advance(fleet.app, rolloverId, "retired");
    expect(await dieEverywhere(fleet, run)).toBeGreaterThan(10);
  });
});

describe("a ceremony that dies at any call", () => {
  it.each(["issuing", "root"] as const)(
    "of kind %s: keys lent, signed, told, recorded, taken back",
    async (kind) => {
      const fleet = await copy();
      const { rolloverId } = await plan(fleet.app, kind);
      await ceremony(fleet.app, rolloverId);
      const prepare = async (app: RolloverApp) => {
        await holdCeremonies(app);
      };
      if (kind === "root") expect(await dieEverywhere(fleet, prepare)).toBeGreaterThan(5);
      await prepare(fleet.app);
      expect(await dieEverywhere(fleet, (app) => lendRoots(app, name))).toBeGreaterThan(10);
      await lendRoots(fleet.app, name);
      expect(await dieEverywhere(fleet, prepare)).toBeGreaterThan(60);
      await prepare(fleet.app);
      expect(await dieEverywhere(fleet, (app) => returnRoots(app, name))).toBeGreaterThan(5);
    },
    120_000,
  );

  it("loans of which a run that died knew nothing are taken back when the hour is over", async () => {
    for (let target = 1; ; target += 1) {
      const fleet = await copy();
      const { rolloverId } = await plan(fleet.app, "issuing");
      await ceremony(fleet.app, rolloverId);
      const died = await dies(fleet.app, target, (app) => lendRoots(app, name));
      fleet.advance(3_600_001);
      await tick(fleet.app);
      const { ceremonies } = await listCeremonies(fleet.app, { fleet: name, limit: 1 });
      expect(ceremonies[0], `died at step ${target}`).toMatchObject({ state: "expired", rootsLent: 0 });
      expect(fleet.kept.loans.size, `died at step ${target}`).toBe(0);
      if (!died) return;
    }
  });
});

describe("a person's call that dies at any call", () => {
  it("is done whole or not at all", async () => {
    const fleet = await copy();
    const id = await bringTo(fleet, "issuing", "active");
    for (let target = 1; ; target += 1) {
      const one = await fleet.copy();
      const people = await approved(one.app, { critical: "authorityRotation", what: id });
      const died = await dies(one.app, target, (app) => rollbackRollover(app, { ...people, rolloverId: id }));
      const { rollovers } = await listRollovers(one.app, { fleet: name, limit: 1 });
      const back = rollovers[0]?.state === "rolledBack";
      expect(await issuer(one.app), `died at step ${target}`).toBe(back ? "issuing-1" : "issuing-2");
      expect(await authorities(one.app), `died at step ${target}`).toMatchObject(
        back
          ? { "issuing-1": "active", "issuing-2": "draining" }
          : { "issuing-1": "draining", "issuing-2": "active" },
      );
      if (!died) return;
    }
  });
});
