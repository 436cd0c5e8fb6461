/** Room: test. What an emergency asks for beside the replacement, whatever stands in its way, and whatever dies over it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { listRenewalWindows, pullForward } from "../../core/enrollment/renewal-window.ts";
import { serialNumberHex } from "../../core/formats/x509/tbs-certificate.ts";
import { crlPartition, crlRecord } from "../../core/records/crl-record.ts";
import type { RotationAction } from "../../core/records/rotation-task-record.ts";
import { publishRevocations } from "../../core/revocation/publisher.ts";
import { listRotationTasks } from "../../core/rotation/people.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import { codeOf } from "../support/errors.ts";
import {
  day,
  name,
  openRolloverFleet,
  type RolloverApp,
  type RolloverFleet,
  settle,
} from "./rollover-fleet.ts";
import { advance, bringTo, ceremony, plan, view } from "./rollover-steps.ts";

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

const waiting = async (wanted: RotationAction) => {
  const { tasks } = await listRotationTasks(app, { fleet: name });
  return tasks.filter(({ action }) => action === wanted).map(({ subject }) => subject);
};

describe("an emergency", () => {
  it("goes on in a fleet that has all the renewal windows it may have", async () => {
    const from = app.clock.now();
    const window = { fleet: name, actor: "operator:x", from, until: from + 200 * hour };
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
    expect(await waiting("openCeremony")).not.toContain("root-1");
    await ceremony(app, rolloverId);
    await settle(app);
    // Nothing stands below it yet, so it goes at once.
    expect(await view(app, rolloverId)).toMatchObject({ state: "retired" });
    await rotate(app);
    expect(await waiting("openCeremony")).toContain("root-1");
  });

  it("RFC 5280 §3.3: the key of an authority that left the trust signs lists until the last of its certificates is over", async () => {
    const { rolloverId } = await plan(app, "issuing", { emergency: true });
    await ceremony(app, rolloverId);
    await settle(app);
    await advance(app, rolloverId, "retired");
    await settle(app);
    fleet.advance(4 * day);
    const { published, failed } = await publishRevocations(app);
    expect({ some: published > 0, failed }).toEqual({ some: true, failed: 0 });
    const lists = await app.items.query({
      pk: crlPartition(name),
      from: "issuing-1#",
      to: "issuing-1#~",
      limit: 500,
    });
    const young = lists.items.map((item) => crlRecord(item).value.thisUpdate > app.clock.now() - day);
    expect(young.length).toBeGreaterThan(0);
    expect(young).not.toContain(false);
    await rotate(app);
    expect(await waiting("destroyKey")).toEqual([]);
    expect(await codeOf(advance(app, rolloverId, "destroyed"))).toBe("rollover_gate_closed");
    fleet.advance((397 + 37) * day);
    await rotate(app);
    expect(await waiting("destroyKey")).toEqual(["issuing-1"]);
    await advance(app, rolloverId, "destroyed");
    await settle(app);
    expect(await view(app, rolloverId)).toMatchObject({ state: "destroyed" });
  });

  it("whose key is gone from its service has no list to wait for", async () => {
    const { rolloverId } = await plan(app, "issuing", { emergency: true });
    await ceremony(app, rolloverId);
    await settle(app);
    await advance(app, rolloverId, "retired");
    const lost = (await getFleet(app, name)).authorities.find(
      ({ record }) => record.authorityId === "issuing-1",
    );
    fleet.kept.deletions.set(lost?.record.keyId ?? "", app.clock.now());
    fleet.advance(2 * hour);
    await rotate(app);
    await advance(app, rolloverId, "destroyed");
    await settle(app);
    expect(await view(app, rolloverId)).toMatchObject({ state: "destroyed", endedAt: expect.any(String) });
  });
});

describe("a key that is lost while what it signed drains", () => {
  it("leaves the trust at once when two people say so, and its certificate is revoked", async () => {
    const rolloverId = await bringTo(fleet, "issuing", "draining");
    expect(await codeOf(advance(app, rolloverId, "retired"))).toBe("rollover_gate_closed");
    expect(await codeOf(advance(app, rolloverId, "destroyed", { emergency: true }))).toBe("request_invalid");
    expect(await advance(app, rolloverId, "retired", { emergency: true })).toMatchObject({
      state: "retired",
      emergency: true,
    });
    await settle(app);
    const { authorities } = await getFleet(app, name);
    const lost = authorities.find(({ record }) => record.authorityId === "issuing-1");
    expect(lost?.record.state).toBe("retired");
    const serialNumber = serialNumberHex(lost?.certificate.tbs.serialNumber ?? new Uint8Array());
    expect((await findCertificate(app, name, serialNumber))?.value).toMatchObject({
      state: "revoked",
      revocationReason: "cACompromise",
    });
    await rotate(app);
    expect(await waiting("openCeremony")).toContain("root-1");
  });
});
