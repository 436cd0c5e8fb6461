import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { acknowledgeTrust } from "../../core/distribution/acknowledgement.ts";
import type { KeylessApp } from "../../core/ports.ts";
import {
  type AcknowledgingSubject,
  acknowledgedPartition,
  acknowledgementEvent,
  acknowledgementRecord,
  firmwarePartition,
} from "../../core/records/acknowledgement-record.ts";
import { readItems } from "../../core/records/pages.ts";
import { shards } from "../../core/records/shard.ts";
import { countingStore } from "../support/counting-store.ts";
import { codeOf } from "../support/errors.ts";
import { trustFleet as fleet, openTrustWorld, type TrustWorld } from "./trust-world.ts";

let world: TrustWorld;
beforeAll(async () => {
  world = await openTrustWorld();
  for (let version = 2; version <= 4; version += 1) await world.advance();
});
afterAll(() => world.close());

const device = (id: string): AcknowledgingSubject => ({ kind: "device", id });
const acknowledge = (subject: AcknowledgingSubject, version: number, firmware?: string, app?: KeylessApp) =>
  acknowledgeTrust(app ?? world.app, {
    fleet,
    subject,
    version,
    ...(firmware === undefined ? {} : { firmware }),
  });

async function eventsOf(id: string) {
  const pages = shards.map((shard) =>
    readItems(world.app, { pk: acknowledgedPartition(fleet, shard), limit: 10_000 }),
  );
  const events = (await Promise.all(pages)).flat().map(acknowledgementEvent);
  return events.filter((event) => event.id === id).map(({ version, previous }) => [version, previous]);
}

async function devicesOf(firmware: string): Promise<readonly string[]> {
  const query = { index: "byDevice", pk: firmwarePartition(fleet, firmware), limit: 100 } as const;
  return (await readItems(world.app, query)).map((item) => acknowledgementRecord(item).value.id);
}

describe("an acknowledgement", () => {
  it("answers what the subject has, and what there is", async () => {
    expect(await acknowledge(device("pump-1"), 2)).toEqual({ version: 2, current: 4 });
    expect(await acknowledge(device("pump-1"), 4)).toEqual({ version: 4, current: 4 });
    expect(await eventsOf("pump-1")).toEqual([
      [2, undefined],
      [4, 2],
    ]);
  });

  it("of a lower version, and once more, gets the same answer and writes nothing", async () => {
    await acknowledge(device("pump-2"), 3);
    const items = countingStore(world.app.items);
    const app = { ...world.app, items };
    expect(await acknowledge(device("pump-2"), 1, undefined, app)).toEqual({ version: 3, current: 4 });
    expect(await acknowledge(device("pump-2"), 3, undefined, app)).toEqual({ version: 3, current: 4 });
    expect(items.calls).toEqual({ reads: 4, transactions: 0 });
    expect(await eventsOf("pump-2")).toEqual([[3, undefined]]);
  });

  it("costs two reads and one transaction", async () => {
    const items = countingStore(world.app.items);
    await acknowledge(device("pump-3"), 4, "pump-4.2.1", { ...world.app, items });
    expect(items.calls).toEqual({ reads: 2, transactions: 1 });
  });

  it.each([0, 5, -1, 1.5, Number.NaN])("of version %s: request_invalid", async (version) => {
    expect(await codeOf(acknowledge(device("pump-4"), version))).toBe("request_invalid");
  });

  it("in a fleet that has published nothing: request_invalid", async () => {
    const request = { fleet: "ward", subject: device("pump-1"), version: 1 };
    expect(await codeOf(acknowledgeTrust(world.app, request))).toBe("request_invalid");
  });

  it("under another spelling of the id is the same device's", async () => {
    await acknowledge(device("Pump-5"), 2);
    expect(await acknowledge(device("pump-5"), 1)).toEqual({ version: 2, current: 4 });
    await acknowledge(device("PUMP-5"), 3);
    expect(await eventsOf("Pump-5")).toEqual([
      [2, undefined],
      [3, 2],
    ]);
  });

  it("of a pipeline is not a device's of the same name", async () => {
    await acknowledge({ kind: "pipeline", id: "build" }, 4);
    expect(await acknowledge(device("build"), 1)).toEqual({ version: 1, current: 4 });
  });

  it("by forty calls at once leaves events that follow one another", async () => {
    const versions = Array.from({ length: 40 }, (_, index) => (index % 4) + 1);
    const outcomes = await Promise.allSettled(
      versions.map((version) => acknowledge(device("pump-6"), version)),
    );
    for (const outcome of outcomes)
      if (outcome.status === "rejected")
        expect(outcome.reason).toMatchObject({ code: "store_condition_failed" });
    await acknowledge(device("pump-6"), 4);
    const events = await eventsOf("pump-6");
    const chain = [...events].sort(([left], [right]) => (left ?? 0) - (right ?? 0));
    expect(chain.map(([, previous]) => previous)).toEqual([
      undefined,
      ...chain.slice(0, -1).map(([version]) => version),
    ]);
    expect(chain.at(-1)?.[0]).toBe(4);
  });
});

describe("the firmware that a device runs", () => {
  it("is found by its label; with other firmware the device is no longer found under the old one", async () => {
    await acknowledge(device("pump-7"), 2, "pump-4.2.1+rc1");
    await acknowledge(device("pump-8"), 2, "pump-4.2.1+rc1");
    expect(await devicesOf("pump-4.2.1+rc1")).toEqual(["pump-7", "pump-8"]);
    await acknowledge(device("pump-7"), 2, "pump-4.3.0");
    expect(await devicesOf("pump-4.2.1+rc1")).toEqual(["pump-8"]);
    expect(await devicesOf("pump-4.3.0")).toEqual(["pump-7"]);
    // The version did not change: nothing more is counted.
    expect(await eventsOf("pump-7")).toEqual([[2, undefined]]);
  });

  it("stays known when a later acknowledgement does not name it", async () => {
    await acknowledge(device("pump-9"), 2, "pump-5.0.0");
    await acknowledge(device("pump-9"), 3);
    expect(await devicesOf("pump-5.0.0")).toEqual(["pump-9"]);
  });

  it("keeps the time at which it was said first, until another is said", async () => {
    const since = async (firmware: string) => {
      const query = { index: "byDevice", pk: firmwarePartition(fleet, firmware), limit: 1 } as const;
      const [item] = await readItems(world.app, query);
      return item === undefined ? undefined : acknowledgementRecord(item).value;
    };
    await acknowledge(device("pump-15"), 2, "pump-5.1.0");
    const first = await since("pump-5.1.0");
    expect(first?.firmwareAt).toBe(first?.at);
    world.clock.advance(60_000);
    await acknowledge(device("pump-15"), 3, "pump-5.1.0");
    const second = await since("pump-5.1.0");
    expect(second).toMatchObject({ version: 3, firmwareAt: first?.firmwareAt });
    expect(second?.at).toBeGreaterThan(first?.at ?? Number.POSITIVE_INFINITY);
    await acknowledge(device("pump-15"), 3, "pump-5.2.0");
    const other = await since("pump-5.2.0");
    expect(other?.firmwareAt).toBe(other?.at);
  });

  it("of a pipeline is no device's", async () => {
    await acknowledge({ kind: "pipeline", id: "build-2" }, 3, "pump-6.0.0");
    expect(await devicesOf("pump-6.0.0")).toEqual([]);
  });

  it.each([
    ["", "request_invalid"],
    ["a".repeat(65), "request_invalid"],
    ["pump 4", "request_invalid"],
    ["pump/4", "request_invalid"],
    ["pump#4", "request_invalid"],
    ["jane@example.test", "name_not_permitted"],
    ["build-1990-01-31", "name_not_permitted"],
    ["078-05-1120", "name_not_permitted"],
  ])("45 CFR 164.514(b): label %j is refused", async (label, code) => {
    expect(await codeOf(acknowledge(device("pump-10"), 4, label))).toBe(code);
    expect(await eventsOf("pump-10")).toEqual([]);
  });
});
