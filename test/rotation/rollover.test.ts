/** Room: test. A rollover on its ordinary way, and on the ways that lead back. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { advanceRollovers } from "../../core/rotation/advance.ts";
import { cancelDestruction } from "../../core/rotation/destruction.ts";
import { rollbackRollover } from "../../core/rotation/rollback.ts";
import { listRollovers } from "../../core/rotation/rollover.ts";
import { planDueRollover, planRollover, previewRollover } from "../../core/rotation/rollover-plan.ts";
import { storedAuthority } from "../../core/rotation/rollover-store.ts";
import { codeOf } from "../support/errors.ts";
import {
  approved,
  day,
  deploy,
  name,
  openRolloverFleet,
  type RolloverFleet,
  settle,
  tick,
} from "./rollover-fleet.ts";
import { advance, authorities, bringTo, issuer, onwards, plan, rollBack, view } from "./rollover-steps.ts";

let origin: Awaited<ReturnType<typeof openRolloverFleet>>;
let fleet: RolloverFleet;
beforeAll(async () => {
  origin = await openRolloverFleet();
});
afterAll(() => origin.close());
beforeEach(async () => {
  fleet = await origin.copy();
});

describe("an issuing authority is replaced", () => {
  it("planned, published, active, draining, retired, destroyed: each told once, each in the audit", async () => {
    const { app } = fleet;
    const id = await bringTo(fleet, "issuing", "published");
    expect(await authorities(app)).toEqual({
      "root-1": "active",
      "issuing-1": "active",
      "issuing-2": "published",
    });
    expect(await view(app, id)).toMatchObject({ from: "issuing-1", to: "issuing-2", mayRollBack: true });
    await onwards(fleet, id, "active");
    expect(await issuer(app)).toBe("issuing-2");
    expect(await authorities(app)).toMatchObject({ "issuing-1": "draining", "issuing-2": "active" });
    await onwards(fleet, id, "draining");
    expect(await view(app, id)).toMatchObject({ mayRollBack: false, next: { state: "retired" } });
    await onwards(fleet, id, "retired");
    expect(await authorities(app)).toMatchObject({ "issuing-1": "retired", "issuing-2": "active" });
    await onwards(fleet, id, "destroyed");
    expect(fleet.kept.deletions.size).toBe(1);
    fleet.advance(31 * day);
    await settle(app);
    expect(await view(app, id)).toMatchObject({ state: "destroyed", endedAt: expect.any(String) });
    const told = fleet.notices.map(({ event }) => event);
    expect(told).toEqual([
      "rollover.planned",
      "ceremony.opened",
      "ceremony.held",
      "rollover.published",
      "rollover.active",
      "rollover.draining",
      "rollover.retired",
      "rollover.destroyed",
    ]);
    expect(await tick(app)).toBe(0);
  });

  it("a tick more changes nothing, whatever the state", async () => {
    const { app } = fleet;
    for (const state of ["planned", "published", "active", "draining", "retired", "destroyed"] as const) {
      if (state === "planned") await plan(app, "issuing");
      const { rollovers } = await listRollovers(app, { fleet: name, limit: 10 });
      await onwards(fleet, rollovers[0]?.rolloverId ?? "", state);
      const before = [await listRollovers(app, { fleet: name, limit: 10 }), await authorities(app)];
      expect(await tick(app), state).toBe(0);
      expect([await listRollovers(app, { fleet: name, limit: 10 }), await authorities(app)], state).toEqual(
        before,
      );
    }
  });

  it("two runs at once come to the same end", async () => {
    const { app } = fleet;
    const id = await bringTo(fleet, "issuing", "published");
    fleet.advance(8 * day);
    await Promise.all([advanceRollovers(app, name), advanceRollovers(app, name)]);
    expect(await view(app, id)).toMatchObject({ state: "active" });
    expect(await authorities(app)).toMatchObject({ "issuing-1": "draining", "issuing-2": "active" });
    expect(fleet.notices.filter(({ event }) => event === "rollover.active").length).toBeLessThanOrEqual(2);
  });

  it("one of a kind at a time, also when two are planned at once", async () => {
    const { app } = fleet;
    const outcomes = await Promise.allSettled([plan(app, "issuing"), plan(app, "issuing")]);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await codeOf(plan(app, "issuing"))).toBe("rollover_state_invalid");
    expect(await planDueRollover(app, await getFleet(app, name), "issuing")).toBeUndefined();
    expect(await planDueRollover(app, await getFleet(app, name), "root")).toMatchObject({
      createdBy: "system",
    });
  });
});

describe("a root that is kept offline", () => {
  it("is followed by an offline one, planned by the task or by people; in an emergency as people say", async () => {
    const { app } = fleet;
    const { value, version } = await storedAuthority(app, name, "root-1");
    const put = authorityItem({ ...value, custody: "offline" });
    await app.items.transact([{ put, when: version }]);
    const { custody: urgent } = await previewRollover(app, { fleet: name, kind: "root", emergency: true });
    expect(urgent).toBe("service");
    expect((await previewRollover(app, { fleet: name, kind: "root" })).custody).toBe("offline");
    const due = await planDueRollover(app, await getFleet(app, name), "root");
    expect(due).toMatchObject({ custody: "offline", createdBy: "system" });
  });
});

describe("who may", () => {
  it("no fresh MFA, one person, an approval for another rollover or another operation: refused", async () => {
    const { app } = fleet;
    const critical = "authorityRotation";
    const tries = {
      approval_stale: () => approved(app, { critical, what: "a", age: 301_000 }),
      approval_incomplete: () => approved(app, { critical, what: "a", by: ["owner-1"] }),
      approval_mismatch: () => approved(app, { critical, what: "a", redeemedFor: "b" }),
    };
    for (const [code, act] of Object.entries(tries)) expect(await codeOf(act()), code).toBe(code);
    const { rolloverId } = await plan(app, "issuing");
    const other = await approved(app, { critical: "authorityUse", what: rolloverId });
    expect(await codeOf(rollbackRollover(app, { ...other, rolloverId }))).toBe("approval_mismatch");
    expect(await codeOf(planRollover(app, { ...other, kind: "root" }))).toBe("approval_mismatch");
    const people = await approved(app, { critical, what: rolloverId });
    await rollbackRollover(app, { ...people, rolloverId });
    expect(await codeOf(planRollover(app, { ...people, kind: "root" }))).toBe("approval_spent");
  });

  it("another tenant's rollover is not found, and its people cannot touch it", async () => {
    const { app } = fleet;
    await deploy(app, origin.keys, "surgery");
    const { rolloverId } = await plan(app, "issuing");
    const people = await approved(app, { critical: "authorityRotation", what: rolloverId, fleet: "surgery" });
    expect(await codeOf(rollbackRollover(app, { ...people, rolloverId }))).toBe("not_found");
    expect(await codeOf(view(app, "../surgery"))).toBe("not_found");
    expect((await listRollovers(app, { fleet: "surgery", limit: 10 })).rollovers).toEqual([]);
  });
});

describe("rollback", () => {
  it.each(["planned", "published", "active"] as const)(
    "from %s: the predecessor issues as before",
    async (state) => {
      const { app } = fleet;
      const id = await bringTo(fleet, "issuing", state);
      expect(await rollBack(app, id)).toMatchObject({ state: "rolledBack", mayRollBack: false });
      expect(await issuer(app)).toBe("issuing-1");
      const expected = { planned: undefined, published: "retired", active: "draining" }[state];
      expect(await authorities(app)).toMatchObject({ "issuing-1": "active" });
      expect((await authorities(app))["issuing-2"]).toBe(expected);
      await settle(app);
      fleet.advance(400 * day);
      await settle(app);
      expect((await authorities(app))["issuing-2"]).toBe(expected === undefined ? undefined : "retired");
      expect(await view(app, id)).toMatchObject({ endedAt: expect.any(String) });
      // A later one takes another name.
      expect(await plan(app, "issuing")).toMatchObject({ to: "issuing-3" });
    },
  );

  it("from draining, retired, destroyed, rolledBack: refused", async () => {
    const { app } = fleet;
    const id = await bringTo(fleet, "issuing", "draining");
    for (const state of ["draining", "retired", "destroyed"] as const) {
      await onwards(fleet, id, state);
      expect(await codeOf(rollBack(app, id)), state).toBe("rollover_state_invalid");
    }
    const other = await plan(app, "issuing");
    await rollBack(app, other.rolloverId);
    expect(await codeOf(rollBack(app, other.rolloverId))).toBe("rollover_state_invalid");
  });
});

describe("destruction", () => {
  it("is called off before its time, and the key is back; afterwards nothing brings it back", async () => {
    const { app } = fleet;
    const id = await bringTo(fleet, "issuing", "destroyed");
    const cancel = async () => {
      const people = await approved(app, { critical: "keyDestruction", what: id });
      return cancelDestruction(app, { ...people, rolloverId: id });
    };
    expect(fleet.kept.deletions.size).toBe(1);
    expect(await cancel()).toMatchObject({ state: "retired" });
    await settle(app);
    expect(fleet.kept.deletions.size).toBe(0);
    expect(await authorities(app)).toMatchObject({ "issuing-1": "retired" });
    expect(await codeOf(cancel())).toBe("rollover_state_invalid");
    await advance(app, id, "destroyed");
    expect(await codeOf(advance(app, id, "destroyed"))).toBe("rollover_state_invalid");
    await settle(app);
    expect(await view(app, id)).toMatchObject({ state: "destroyed", deletionAt: expect.any(String) });
    fleet.advance(31 * day);
    expect(await codeOf(cancel())).toBe("rollover_state_invalid");
  });

  it("a request that another run sent late is undone while the hour lasts", async () => {
    const { app } = fleet;
    const id = await bringTo(fleet, "issuing", "destroyed");
    const [keyId = ""] = [...fleet.kept.deletions.keys()];
    const people = await approved(app, { critical: "keyDestruction", what: id });
    await cancelDestruction(app, { ...people, rolloverId: id });
    await tick(app);
    await app.custody.scheduleDeletion(keyId, 30);
    await tick(app);
    expect(fleet.kept.deletions.size).toBe(0);
    fleet.advance(3_700_000);
    expect(await tick(app)).toBe(1);
    expect(await tick(app)).toBe(0);
  });
});
