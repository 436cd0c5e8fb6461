/** Room: test. The gates of a rollover, one by one, and what is seen of one before it is planned. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { takeCensus } from "../../core/distribution/census.ts";
import { acknowledgementItem } from "../../core/records/acknowledgement-record.ts";
import { gatewayItem } from "../../core/records/gateway-record.ts";
import { holdCeremonies } from "../../core/rotation/held-ceremony.ts";
import { previewRollover } from "../../core/rotation/rollover-plan.ts";
import { madeRecord, store } from "../distribution/stored-certificates.ts";
import { codeOf } from "../support/errors.ts";
import { day, name, openRolloverFleet, publish, type RolloverFleet, settle, tick } from "./rollover-fleet.ts";
import { advance, bringTo, ceremony, plan, view } from "./rollover-steps.ts";

let origin: Awaited<ReturnType<typeof openRolloverFleet>>;
let fleet: RolloverFleet;
beforeAll(async () => {
  origin = await openRolloverFleet();
});
afterAll(() => origin.close());
beforeEach(async () => {
  fleet = await origin.copy();
});

describe("gates", () => {
  it("close one by one: manifest, days, gateway; whoever advances by hand is told of each", async () => {
    const { app } = fleet;
    const record = { fleet: name, authorityIds: ["root-1", "issuing-1"], versionId: "v1", confirmedAt: 1 };
    await app.items.transact([{ put: gatewayItem(record), when: "absent" }]);
    const { rolloverId: id } = await plan(app, "issuing");
    expect(await codeOf(advance(app, id, "published"))).toBe("rollover_gate_closed");
    await ceremony(app, id);
    await tick(app);
    expect(await holdCeremonies(app)).toEqual({ held: 1, failed: 0 });
    const gates = async () =>
      (await view(app, id)).next?.gates.map(({ gate, holds }) => `${gate} ${holds ? "open" : "closed"}`);
    fleet.advance(8 * day);
    await tick(app);
    expect(await gates()).toEqual(["manifest closed", "days closed", "adoption closed", "gateway closed"]);
    await publish(app);
    await tick(app);
    await tick(app);
    expect(await gates()).toEqual(["manifest open", "days closed", "adoption open", "gateway closed"]);
    await expect(advance(app, id, "active")).rejects.toThrow(/days \(0 of 7\).*gateway/);
    fleet.advance(7 * day);
    await tick(app);
    expect(await gates()).toEqual(["manifest open", "days open", "adoption open", "gateway closed"]);
    const confirmed = { ...record, authorityIds: [...record.authorityIds, "issuing-2"] };
    await app.items.transact([{ put: gatewayItem(confirmed), when: 1 }]);
    expect((await advance(app, id, "active")).state).toBe("active");
    expect(await codeOf(advance(app, id, "draining"))).toBe("rollover_gate_closed");
    expect(await codeOf(advance(app, id, "retired"))).toBe("rollover_state_invalid");
    await settle(app);
    fleet.advance(day);
    await settle(app);
    expect(await codeOf(advance(app, id, "retired"))).toBe("rollover_gate_closed");
  });

  it("adoption: as many active devices as the fleet asks for must have acknowledged the manifest", async () => {
    const { app } = fleet;
    const id = await bringTo(fleet, "issuing", "published");
    const { trustVersion: version = 0 } = await view(app, id);
    const issued = app.clock.now() - day;
    const ids = Array.from({ length: 20 }, (_, index) => `pump-${index}`);
    await store(
      app,
      ids.map((subjectId) => madeRecord(issued, { fleet: name, subjectId, notAfter: issued + 90 * day })),
    );
    const acknowledge = (of: readonly string[]) =>
      app.items.transact(
        of.map((device) => ({
          put: acknowledgementItem({ fleet: name, kind: "device", id: device, version, at: app.clock.now() }),
          when: "absent" as const,
        })),
      );
    const adoption = async () => {
      fleet.advance(60_000);
      await settle(app);
      return (await view(app, id)).next?.gates.find(({ gate }) => gate === "adoption");
    };
    await acknowledge(ids.slice(0, 18));
    expect(await adoption()).toEqual({ gate: "adoption", holds: false, have: 90, want: 95 });
    fleet.advance(8 * day);
    await settle(app);
    await expect(advance(app, id, "active")).rejects.toThrow(/waits for: adoption \(90 of 95\)/);
    await acknowledge(ids.slice(18, 19));
    await adoption();
    expect((await view(app, id)).state).toBe("active");
  });

  it("drained: as soon as all is counted, the end of the last certificate and no later", async () => {
    const { app } = fleet;
    const issued = app.clock.now();
    const server = { subjectKind: "server", subjectId: "api.example.test", profile: "server" } as const;
    await store(app, [madeRecord(issued, { fleet: name, ...server, notAfter: issued + 40 * day })]);
    const id = await bringTo(fleet, "issuing", "draining");
    fleet.advance(day);
    await takeCensus(app, name, Number.POSITIVE_INFINITY);
    await settle(app);
    const { next } = await view(app, id);
    const days = (Date.parse(next?.gates[0]?.at ?? "") - issued) / day;
    expect(next?.gates).toMatchObject([{ gate: "drained", holds: false }]);
    expect(days).toBeGreaterThanOrEqual(40);
    expect(days).toBeLessThanOrEqual(42);
    fleet.advance(42 * day);
    await settle(app);
    expect((await view(app, id)).state).toBe("retired");
  });

  it("a preview changes nothing and names steps, keys, and what is in the way", async () => {
    const { app } = fleet;
    const preview = await previewRollover(app, { fleet: name, kind: "root" });
    expect(preview).toMatchObject({ from: "root-1", to: "root-2", keys: [{ name: "clinic-root-2" }] });
    expect(preview.steps.map(({ state }) => state)).toEqual([
      "published",
      "active",
      "draining",
      "retired",
      "destroyed",
    ]);
    expect(preview).not.toHaveProperty("blockedBy");
    const { rolloverId } = await plan(app, "root");
    expect(await previewRollover(app, { fleet: name, kind: "root" })).toMatchObject({
      blockedBy: rolloverId,
    });
  });
});
