/** Room: test. What an emergency asks for beside the replacement, whatever stands in its way, and whatever dies over it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { listRenewalWindows, pullForward } from "../../core/enrollment/renewal-window.ts";
import { listRotationTasks } from "../../core/rotation/people.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import { name, openRolloverFleet, type RolloverApp, type RolloverFleet, settle } from "./rollover-fleet.ts";
import { bringTo, ceremony, plan, view } from "./rollover-steps.ts";

let origin: RolloverFleet;
let fleet: RolloverFleet;
let app: RolloverApp;
beforeAll(async () => {
  origin = await openRolloverFleet();
});
afterAll(() => origin.close());
beforeEach(async () => {
  fleet = await origin.copy();
  app = fleet.app;
});

const hour = 3_600_000;

async function pulled(authorityId: string): Promise<number> {
  const { windows } = await listRenewalWindows(app, { fleet: name });
  return windows.filter((each) => each.authorityId === authorityId).length;
}

const listsToSign = async () => {
  const { tasks } = await listRotationTasks(app, { fleet: name });
  return tasks.filter(({ action }) => action === "openCeremony").map(({ subject }) => subject);
};

describe("an emergency", () => {
  it("goes on in a fleet that has all the renewal windows it may have", async () => {
    const from = app.clock.now();
    const window = { fleet: name, actor: "operator:x", from, until: from + 100 * hour };
    for (let each = 0; each < 20; each += 1) await pullForward(app, { ...window, reason: "superseded" });
    const { rolloverId } = await plan(app, "issuing", { emergency: true });
    await ceremony(app, rolloverId);
    await settle(app);
    expect(await view(app, rolloverId)).toMatchObject({ state: "draining" });
    expect(await pulled("issuing-1")).toBe(1);
  });

  it("asks devices once, though the run that asked died before it could note it", async () => {
    const { rolloverId } = await plan(app, "issuing", { emergency: true });
    await ceremony(app, rolloverId);
    const before = await fleet.copy();
    const transact: RolloverApp["items"]["transact"] = async (operations) => {
      await before.app.items.transact(operations);
      const asks = operations.some((one) => "put" in one && one.put.sk === "RENEWALWINDOWS");
      if (asks) throw new Error("dies here");
    };
    app = before.app;
    await settle({ ...app, items: { ...app.items, transact } }).catch(() => undefined);
    expect(await pulled("issuing-1")).toBe(1);
    await settle(app);
    expect(await pulled("issuing-1")).toBe(1);
    expect(await view(app, rolloverId)).toMatchObject({ state: "draining" });
  });

  it("of a root that another had certified: that one's list is to name the certificate, and people are asked to sign it", async () => {
    await bringTo(fleet, "root", "draining");
    const { rolloverId } = await plan(app, "root", { emergency: true });
    await rotate(app);
    expect(await listsToSign()).not.toContain("root-1");
    await ceremony(app, rolloverId);
    await settle(app);
    // Nothing stands below it yet, so it goes at once.
    expect(await view(app, rolloverId)).toMatchObject({ state: "retired" });
    await rotate(app);
    expect(await listsToSign()).toContain("root-1");
  });
});
