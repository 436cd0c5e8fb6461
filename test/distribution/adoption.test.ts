import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acknowledgeTrust } from "../../core/distribution/acknowledgement.ts";
import {
  commitLagMilliseconds,
  foldAcknowledgements,
  trustAdoption,
} from "../../core/distribution/adoption.ts";
import { isAppError } from "../../core/errors.ts";
import type { ItemStore, KeylessApp } from "../../core/ports.ts";
import { acknowledgementEventItem } from "../../core/records/acknowledgement-record.ts";
import { type Random, seededRandom } from "../formats/seeded-random.ts";
import { countingStore } from "../support/counting-store.ts";
import { codeOf } from "../support/errors.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { trustFleet as fleet, openTrustWorld, type TrustWorld } from "./trust-world.ts";

const always = Number.POSITIVE_INFINITY;
let world: TrustWorld;
beforeEach(async () => {
  world = await openTrustWorld();
});
afterEach(() => world.close());

const fold = (app: KeylessApp = world.app) => foldAcknowledgements(app, fleet, always);
const adoption = () => trustAdoption(world.app, { fleet });
const acknowledge = (id: string, version: number, kind: "device" | "pipeline" = "device") =>
  acknowledgeTrust(world.app, { fleet, subject: { kind, id }, version });

async function versions(count: number): Promise<void> {
  while ((await world.newest()).version < count) await world.advance();
}

describe("adoption", () => {
  it("before anything was counted: nobody, as of the beginning of time", async () => {
    expect(await adoption()).toEqual({
      version: 1,
      asOf: "1970-01-01T00:00:00Z",
      devices: 0,
      pipelines: 0,
      versions: [],
    });
    expect(await codeOf(trustAdoption(world.app, { fleet: "ward" }))).toBe("not_found");
  });

  it("counts each subject under its newest version, devices and pipelines apart, the newest first", async () => {
    await versions(3);
    for (const version of [1, 2, 3]) await acknowledge("pump-1", version);
    await acknowledge("pump-2", 2);
    await acknowledge("build", 3, "pipeline");
    world.clock.advance(commitLagMilliseconds + 1);
    expect(await fold()).toBe(5);
    expect(await adoption()).toMatchObject({
      version: 3,
      devices: 2,
      pipelines: 1,
      versions: [
        { version: 3, devices: 1, pipelines: 1 },
        { version: 2, devices: 1, pipelines: 0 },
      ],
    });
    expect(await fold()).toBe(0);
  });

  it("takes two reads", async () => {
    const items = countingStore(world.app.items);
    await trustAdoption({ ...world.app, items }, { fleet });
    expect(items.calls).toEqual({ reads: 2, transactions: 0 });
  });

  it("leaves what is younger than two minutes for later, and says as of when it counts", async () => {
    await acknowledge("pump-1", 1);
    expect(await fold()).toBe(0);
    const asOf = Date.parse((await adoption()).asOf);
    expect(world.clock.now() - asOf).toBeGreaterThanOrEqual(commitLagMilliseconds);
    world.clock.advance(commitLagMilliseconds + 1);
    expect(await fold()).toBe(1);
  });

  it("begins nothing after its deadline", async () => {
    expect(await foldAcknowledgements(world.app, fleet, world.clock.now())).toBe(0);
    expect((await adoption()).asOf).toBe("1970-01-01T00:00:00Z");
  });
});

/** Three thousand events of a thousand devices, in an order of their own, put down as acknowledgements would. */
async function field(random: Random): Promise<ReadonlyMap<number, number>> {
  await versions(5);
  const expected = new Map<number, number>();
  const devices = Array.from({ length: 1000 }, (_, index) => ({ id: `pump-${index}`, version: 0 }));
  for (let turn = 0; turn < 3; turn += 1) {
    const order = devices.map((device) => ({ device, place: random.below(1_000_000) }));
    order.sort((left, right) => left.place - right.place);
    for (let start = 0; start < order.length; start += 50) {
      const some = order.slice(start, start + 50).map(async ({ device }) => {
        const answer = await acknowledge(device.id, 1 + random.below(5));
        device.version = answer.version;
      });
      await Promise.all(some);
    }
  }
  for (const { version } of devices) expected.set(version, (expected.get(version) ?? 0) + 1);
  return expected;
}

async function countedDevices(): Promise<ReadonlyMap<number, number>> {
  const { versions: counts } = await adoption();
  return new Map(counts.toReversed().map(({ version, devices }) => [version, devices]));
}

const ascending = (counts: ReadonlyMap<number, number>) =>
  new Map([...counts].sort(([left], [right]) => left - right));

/** A process that dies at any call of the store: it never returns. */
function dyingStore(items: ItemStore, random: Random): ItemStore {
  let left = 1 + random.below(40);
  const pass = async (): Promise<void> => {
    left -= 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (left <= 0) throw new Error("killed");
  };
  const dying =
    <Parameter, Result>(call: (parameter: Parameter) => Promise<Result>) =>
    async (parameter: Parameter): Promise<Result> => {
      await pass();
      const result = await call(parameter);
      await pass();
      return result;
    };
  return {
    get: dying((key) => items.get(key)),
    query: dying((query) => items.query(query)),
    transact: dying((operations) => items.transact(operations)),
  };
}

describe("a thousand devices in random order", () => {
  it("two folders at once, each killed at any call, again and again: every event counts exactly once", async () => {
    const random = seededRandom(1000);
    const expected = await field(random);
    world.clock.advance(commitLagMilliseconds + 1);
    let kills = 0;
    for (let round = 0; round < 60; round += 1) {
      const folders = [1, 2].map(() => fold({ ...world.app, items: dyingStore(world.app.items, random) }));
      for (const outcome of await Promise.allSettled(folders)) {
        if (outcome.status === "fulfilled") continue;
        expect(outcome.reason).toMatchObject({ message: "killed" });
        kills += 1;
      }
    }
    await fold();
    expect(kills).toBeGreaterThan(20);
    expect(ascending(await countedDevices())).toEqual(ascending(expected));
    expect((await adoption()).devices).toBe(1000);
  }, 120_000);

  it("while they go on acknowledging, folders count beside them; a store that times out after it wrote counts once", async () => {
    const random = seededRandom(7);
    let ended = false;
    const acknowledging = field(random).finally(() => {
      ended = true;
    });
    const items = faultyStore(world.app.items, () =>
      random.pick(["none", "none", "unavailable", "committedThenUnavailable"]),
    );
    const foldOn = async (): Promise<void> => {
      while (!ended) {
        world.clock.advance(1000);
        await fold({ ...world.app, items }).catch((error: unknown) => {
          if (!isAppError(error, "store_unavailable")) throw error;
        });
      }
    };
    const [expected] = await Promise.all([acknowledging, foldOn(), foldOn()]);
    world.clock.advance(commitLagMilliseconds + 1);
    await fold();
    expect(ascending(await countedDevices())).toEqual(ascending(expected));
  }, 120_000);
});

describe("bounded work", () => {
  it("a run counts twenty thousand events at most, and the next goes on where it ended", async () => {
    const at = world.clock.now() - 10 * commitLagMilliseconds;
    const ids = Array.from({ length: 24_500 }, (_, index) => `pump-${index}`);
    for (let start = 0; start < ids.length; start += 100) {
      const some = ids.slice(start, start + 100).map((id, index) => {
        const event = { fleet, kind: "device", id, version: 1, at: at + start + index } as const;
        return { put: acknowledgementEventItem(event), when: "absent" } as const;
      });
      await world.app.items.transact(some);
    }
    const first = await fold();
    expect(first).toBeGreaterThan(15_000);
    expect(first).toBeLessThanOrEqual(20_000);
    const asOf = Date.parse((await adoption()).asOf);
    let folded = first;
    while (folded < ids.length) folded += await fold();
    expect(folded).toBe(ids.length);
    expect((await adoption()).devices).toBe(ids.length);
    expect(Date.parse((await adoption()).asOf)).toBeGreaterThanOrEqual(asOf);
  }, 120_000);
});
