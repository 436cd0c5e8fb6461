/** Room: test. Publishers beside one another, publishers that die, stores that do not answer: no revocation is lost. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppError, type ErrorCode, isAppError } from "../../core/errors.ts";
import { decodeCertificateList, readCrlNumber } from "../../core/formats/crl/certificate-list.ts";
import type { ObjectStore } from "../../core/ports.ts";
import { unpublishedPartition } from "../../core/records/revocation-entry.ts";
import { shards } from "../../core/records/shard.ts";
import { publishRevocations } from "../../core/revocation/publisher.ts";
import { release, revoke } from "../../core/revocation/revoke.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import { faultyStore, type StoreFault } from "../support/faulty-store.ts";
import { type Death, mortal } from "./mortal.ts";
import {
  actor,
  type Device,
  day,
  fleet,
  keyOfUrl,
  listAt,
  openPublishingFleet,
  type Ports,
  type PublishingFleet,
  pointerOf,
  serialsOf,
} from "./publishing-fleet.ts";

let house: PublishingFleet;
let app: Ports;
beforeEach(async () => {
  house = await openPublishingFleet();
  app = house.app;
  await house.publish();
});
afterEach(() => house.close());

async function enrolled(count: number): Promise<readonly Device[]> {
  return await Promise.all(Array.from({ length: count }, (_, index) => house.enrol(`pump-${index}`)));
}

/** Of devices that were enrolled together: their one list. */
const keyOf = ([device]: readonly Device[]): string => keyOfUrl(pointerOf(device?.certificate ?? ""));

async function listOf([device]: readonly Device[]) {
  const list = await listAt(app, pointerOf(device?.certificate ?? ""), await house.issuer());
  if (list === undefined) throw new Error("there is no list");
  return list;
}

async function waiting(): Promise<number> {
  const pages = await Promise.all(
    shards.map((shard) => app.items.query({ index: "open", pk: unpublishedPartition(shard), limit: 1000 })),
  );
  return pages.reduce((count, { items }) => count + items.length, 0);
}

const ask = ({ serialNumber }: Device) => ({ fleet, actor, serialNumber, reason: "keyCompromise" }) as const;

describe("50 publishers at once, while revocations go on", () => {
  it("RFC 5280 §5.2.3: what readers see has ever higher numbers, never less in it, and all in the end", async () => {
    const devices = await enrolled(60);
    const seen = () => house.artifacts.versions(keyOf(devices)).length;
    let revoking = true;
    const revoker = async () => {
      for (const [index, device] of devices.entries()) {
        const before = seen();
        await revoke(app, ask(device));
        // Publishers are under way with what was revoked before.
        while (index % 4 === 3 && seen() === before) await nextTurn();
      }
      revoking = false;
    };
    const publisher = async () => {
      while (revoking) {
        await publishRevocations(app);
        // A run that finds nothing to do waits for nobody, and would let nobody else come.
        await nextTurn();
      }
    };
    await Promise.all([revoker(), ...Array.from({ length: 50 }, publisher)]);
    await publishRevocations(app);
    const versions = house.artifacts.versions(keyOf(devices));
    const numbers = versions.map(({ body }) => readCrlNumber(body));
    expect(versions.length).toBeGreaterThan(devices.length / 4);
    for (const [index, number] of numbers.entries()) expect(number).toBeGreaterThan(numbers[index - 1] ?? 0);
    const found = versions.map(({ body }) => serialsOf(decodeCertificateList(body)));
    for (const [index, serials] of found.entries())
      expect(serials).toEqual(expect.arrayContaining([...(found[index - 1] ?? [])]));
    const list = await listOf(devices);
    expect([...serialsOf(list)].sort()).toEqual(devices.map(({ serialNumber }) => serialNumber).sort());
    expect(await waiting()).toBe(0);
  });
});

describe.each(["before the call", "before the answer"] as const)(
  "a publisher that dies %s",
  (death: Death) => {
    it("at any of them leaves the last good list, and the next run completes", async () => {
      const devices = await enrolled(3);
      const [held] = devices;
      if (held === undefined) throw new Error("no device");
      for (const device of devices.slice(1)) await revoke(app, ask(device));
      await publishRevocations(app);
      let before = await listOf(devices);
      let deaths = 0;
      for (let target = 1; ; target += 1) {
        const onHold = target % 2 === 1;
        if (onHold) await revoke(app, { ...ask(held), reason: "certificateHold" });
        else await release(app, { fleet, serialNumber: held.serialNumber, actor });
        const one = mortal(app, target, death);
        const died = await one.dies(() => publishRevocations(one.app));
        const left = await listOf(devices);
        expect(left.number).toBeGreaterThanOrEqual(before.number ?? 0);
        // Either the list as it was, or the next one: nothing between.
        const now = (await listOf(devices)).number === before.number ? !onHold : onHold;
        expect(serialsOf(left).includes(held.serialNumber)).toBe(now);
        expect(await publishRevocations(app)).toMatchObject({ failed: 0, pending: 0 });
        const after = await listOf(devices);
        expect(serialsOf(after)).toHaveLength(onHold ? 3 : 2);
        expect(after.number).toBeGreaterThan(before.number ?? 0);
        expect(await waiting()).toBe(0);
        before = after;
        if (!died) break;
        deaths += 1;
      }
      // 32 queries for what is to be done, then the fleet, the record, the object, 16 parts, number, key, object, ….
      expect(deaths).toBeGreaterThan(50);
    });

    it("while it withdraws a list leaves it or not, and the next run completes", async () => {
      const devices = await enrolled(1);
      for (const device of devices) await revoke(app, ask(device));
      house.clock.advance(101 * day);
      // One more list since its certificates expired.
      await publishRevocations(app);
      house.clock.advance(4 * day);
      for (let target = 1; ; target += 1) {
        const one = mortal(app, target, death);
        if (!(await one.dies(() => publishRevocations(one.app)))) break;
      }
      expect(await publishRevocations(app)).toMatchObject({ withdrawn: 0, failed: 0, pending: 0 });
      expect(house.artifacts.keys).not.toContain(keyOf(devices));
    });
  },
);

/** An ObjectStore whose writes fail, or succeed without saying so. */
function faultyObjects(objects: ObjectStore, next: () => StoreFault): ObjectStore {
  const unavailable = () => new AppError("store_unavailable", "timed out", { retryAfter: 1 });
  const faulty = async <Result>(act: () => Promise<Result>): Promise<Result> => {
    const fault = next();
    if (fault === "unavailable") throw unavailable();
    const result = await act();
    if (fault === "committedThenUnavailable") throw unavailable();
    return result;
  };
  return {
    get: (key) => objects.get(key),
    put: (key, object, when) => faulty(() => objects.put(key, object, when)),
    remove: (key) => faulty(() => objects.remove(key)),
  };
}

const seed = 20_261_126;
const rounds = 150;

/** Asks until there is an answer. A release that was kept, and whose answer was lost, is not on hold any more. */
async function insist(act: () => Promise<unknown>, done?: ErrorCode): Promise<void> {
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    try {
      await act();
      return;
    } catch (error) {
      if (done !== undefined && isAppError(error, done)) return;
      if (!isAppError(error, "store_unavailable")) throw error;
    }
  }
  throw new Error("no answer came");
}

describe(`stores that fail or do not answer, seed ${seed}`, () => {
  it(`lose nothing over ${rounds} rounds: lists say in the end what was answered`, async () => {
    const random = seededRandom(seed);
    const devices = await enrolled(8);
    const met = new Map<StoreFault, number>();
    const next = (): StoreFault => {
      const fault = random.pick(["none", "none", "unavailable", "committedThenUnavailable"] as const);
      met.set(fault, (met.get(fault) ?? 0) + 1);
      return fault;
    };
    const items = faultyStore(app.items, next);
    const faulty = { ...app, items, artifacts: faultyObjects(app.artifacts, next) };
    const heldSerials = new Set<string>();
    let before = await listOf(devices);
    for (let round = 0; round < rounds; round += 1) {
      const { serialNumber } = random.pick(devices as [Device, ...Device[]]);
      const name = { fleet, actor, serialNumber };
      if (heldSerials.has(serialNumber)) {
        await insist(() => release(faulty, name), "not_on_hold");
        heldSerials.delete(serialNumber);
      } else {
        await insist(() => revoke(faulty, { ...name, reason: "certificateHold" }));
        heldSerials.add(serialNumber);
      }
      await publishRevocations(faulty);
      if (round % 5 !== 4) continue;
      expect(await publishRevocations(app)).toMatchObject({ failed: 0, pending: 0 });
      const list = await listOf(devices);
      expect(new Set(serialsOf(list)), `round ${round}`).toEqual(heldSerials);
      expect(list.number).toBeGreaterThan(before.number ?? 0);
      expect(await waiting()).toBe(0);
      before = list;
    }
    for (const fault of ["unavailable", "committedThenUnavailable"] as const)
      expect(met.get(fault), fault).toBeGreaterThan(100);
  });
});
