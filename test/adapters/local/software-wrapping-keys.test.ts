/** Wrapping keys as files of the key store: the contract, their time, several processes. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localDataKeys } from "../../../adapters/local/data-keys.ts";
import { dataKeyDuties } from "../../../core/rotation/data-key-duties.ts";
import { cryptoperiods } from "../../../core/standard/cryptoperiods.ts";
import { rotationStandard } from "../../../core/standard/rotation.ts";
import { dataKeysContract } from "../../contracts/data-keys.ts";
import { wrappingKeysContract } from "../../contracts/wrapping-keys.ts";
import { codeOf } from "../../support/errors.ts";
import { killFixtures, runFixture } from "./child-process.ts";
import { wrappingHouse } from "./wrapping-house.ts";

const fleet = "ward-north";
const name = "ward-north-protection";
const context = { fleet, purpose: "observations", subject: "subject-1" };

wrappingKeysContract("files", async () => {
  const { open, close } = wrappingHouse();
  const keys = await open();
  return {
    keys,
    fleets: { mine: "ward", other: "ward-north", doomed: "ward-south" },
    unknownFleets: ["", "..", "../keys", "Ward", "ward_1", "__proto__", "ward.1", "x".repeat(33), "\0"],
    rotated: async () => {
      await localDataKeys(keys).rotateNow("ward-protection");
      return await open();
    },
    close: async () => close(),
  };
});

dataKeysContract("files", async () => {
  const { open, close } = wrappingHouse();
  const keys = await open();
  for (const each of ["ward", "ward-north", "a"]) await keys.keyOf(each);
  return {
    dataKeys: localDataKeys(keys),
    names: ["a-protection", "ward-north-protection", "ward-protection"],
    close: async () => close(),
  };
});

let world = wrappingHouse();
beforeEach(() => {
  world = wrappingHouse();
});
afterEach(async () => {
  await killFixtures();
  world.close();
});

describe("a generation", () => {
  it("is made on first use, of wrapping alone", async () => {
    const keys = await world.open();
    const unwrap = keys.unwrap(fleet, { keyId: `local:${name}:1`, wrapped: Buffer.alloc(60) }, context);
    expect(await codeOf(unwrap)).toBe("key_not_found");
    expect(await localDataKeys(keys).list()).toEqual([]);
    expect(world.files()).toEqual([]);
    expect(await keys.keyOf(fleet)).toBe(`local:${name}:1`);
    expect(world.files()).toEqual(["wrapping.ward-north.1.json"]);
  });

  it("is for its owner alone, and says its octets nowhere in the clear", async () => {
    const keys = await world.open();
    const { key } = await keys.openGeneration(fleet);
    const path = world.path("wrapping.ward-north.1.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    for (const form of ["hex", "base64", "base64url", "latin1"] as const)
      for (const file of readdirSync(world.directory))
        expect(readFileSync(world.path(file), "latin1")).not.toContain(key.toString(form));
  });

  it("SP 800-57 Part 1 r5 §5.3.6: after 365 days it wraps nothing more, and goes on unwrapping", async () => {
    const keys = await world.open();
    const first = await keys.generate(fleet, context);
    world.passDays(364.9);
    expect(await keys.keyOf(fleet)).toBe(first.keyId);
    world.passDays(0.2);
    expect(await keys.keyOf(fleet)).toBe(`local:${name}:2`);
    expect((await keys.generate(fleet, context)).keyId).toBe(`local:${name}:2`);
    expect(await keys.unwrap(fleet, first, context)).toEqual(first.plaintext);
    const [state] = await localDataKeys(keys).list();
    const rotationDays = cryptoperiods.keyEncryption.originatorDays;
    const onDemandLimit = rotationStandard.onDemandRotations.limit;
    const rotated = { onDemandRotations: 0, onDemandLimit, lastRotationAt: world.now(), rotationDays };
    expect(state).toMatchObject(rotated);
  });

  it("whose time is over gives way when the keys are listed: nobody is asked to do anything, for years", async () => {
    const dataKeys = localDataKeys(await world.open());
    await (await world.open()).keyOf(fleet);
    for (let at = 0; at < 10; at += 1) {
      expect(dataKeyDuties(await dataKeys.list(), world.now())).toEqual([]);
      world.passDays(200);
    }
    expect(world.files().length).toBeGreaterThan(4);
  });

  it("is opened by its name: the one in force, or one of before, each with its own octets", async () => {
    const keys = await world.open();
    const first = await keys.openGeneration(fleet);
    await localDataKeys(keys).rotateNow(name);
    const second = await keys.openGeneration(fleet);
    expect([first.keyId, second.keyId]).toEqual([`local:${name}:1`, `local:${name}:2`]);
    expect(second.key.equals(first.key)).toBe(false);
    expect(first.key).toHaveLength(32);
    const again = await keys.openGeneration(fleet, first.keyId);
    expect(again.key).toEqual(first.key);
    again.key.fill(0);
    expect((await keys.openGeneration(fleet, first.keyId)).key).toEqual(first.key);
    expect(await keys.hasGeneration(fleet, first.keyId)).toBe(true);
    expect(await keys.hasGeneration(fleet, `local:${name}:3`)).toBe(false);
    expect(await keys.hasGeneration("ward", first.keyId)).toBe(false);
    expect(await codeOf(keys.openGeneration("ward", first.keyId))).toBe("key_not_found");
    expect(await codeOf(keys.openGeneration(fleet, `local:${name}:3`))).toBe("key_not_found");
  });
});

describe("a rotation", () => {
  it("of a fleet whose name begins like another's is its own", async () => {
    const keys = await world.open();
    await keys.keyOf("ward");
    await keys.keyOf(fleet);
    await localDataKeys(keys).rotateNow("ward-protection");
    expect(await keys.keyOf("ward")).toBe("local:ward-protection:2");
    expect(await keys.keyOf(fleet)).toBe(`local:${name}:1`);
  });

  it("is asked for 25 times in the life of a key; the next is key_rotation_exhausted, and people hear of it before", async () => {
    const keys = await world.open();
    const first = await keys.generate(fleet, context);
    const dataKeys = localDataKeys(keys);
    for (let at = 1; at <= 25; at += 1) {
      expect((await dataKeys.rotateNow(name)).onDemandRotations).toBe(at);
      const duties = dataKeyDuties(await dataKeys.list(), world.now());
      expect(duties.map(({ severity }) => severity)).toEqual(
        at < 20 ? [] : [at < 25 ? "warning" : "critical"],
      );
    }
    expect(await codeOf(dataKeys.rotateNow(name))).toBe("key_rotation_exhausted");
    world.passDays(366);
    expect(await keys.keyOf(fleet)).toBe(`local:${name}:27`);
    expect(await keys.unwrap(fleet, first, context)).toEqual(first.plaintext);
  });

  it("of a key that was never used, or is destroyed, is refused", async () => {
    const keys = await world.open();
    const dataKeys = localDataKeys(keys);
    expect(await codeOf(dataKeys.rotateNow(name))).toBe("key_not_found");
    await keys.keyOf(fleet);
    await keys.scheduleDeletion(fleet, 7);
    expect(await codeOf(dataKeys.rotateNow(name))).toBe("key_disabled");
    expect(await dataKeys.list()).toEqual([]);
  });
});

describe("several processes", () => {
  it("that use a fleet first at once make one key, and each opens what the others wrapped", async () => {
    const makers = Array.from({ length: 4 }, () =>
      runFixture("wrapping-key-maker.ts", world.directory, world.keyFile, fleet, "5"),
    );
    expect(await Promise.all(makers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    const keys = await world.open();
    const made = makers.flatMap((maker) => maker.lines().slice(1));
    expect(made).toHaveLength(20);
    for (const line of made) {
      const [keyId = "", wrapped = "", plaintext = ""] = line.split(" ");
      expect(keyId).toBe(`local:${name}:1`);
      const opened = await keys.unwrap(fleet, { keyId, wrapped: Buffer.from(wrapped, "hex") }, { fleet });
      expect(opened.toString("hex")).toBe(plaintext);
    }
  });

  it("that are open rotate at once: every generation is one, and all wrap under the last", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => world.open()));
    await Promise.all(all.map((keys) => keys.keyOf(fleet)));
    await Promise.all(all.map((keys) => localDataKeys(keys).rotateNow(name)));
    expect(world.files()).toHaveLength(9);
    expect(new Set(await Promise.all(all.map((keys) => keys.keyOf(fleet))))).toEqual(
      new Set([`local:${name}:9`]),
    );
  });

  it("that rotate and are killed over it, ten times: every generation is whole, and opens what it wrapped", async () => {
    const printed: string[] = [];
    for (let kill = 0; kill < 10; kill += 1) {
      const maker = runFixture(
        "wrapping-key-maker.ts",
        world.directory,
        world.keyFile,
        fleet,
        "forever",
        "rotating",
      );
      await maker.printed("ready");
      const lines = maker.lines().length;
      await expect.poll(() => maker.lines().length, { interval: 3 + kill }).toBeGreaterThan(lines + kill);
      maker.process.kill("SIGKILL");
      await maker.ended;
      printed.push(...maker.lines().slice(1));
    }
    const keys = await world.open();
    for (const line of printed) {
      const [keyId = "", wrapped = "", plaintext = ""] = line.split(" ");
      const opened = await keys.unwrap(fleet, { keyId, wrapped: Buffer.from(wrapped, "hex") }, { fleet });
      expect(opened.toString("hex")).toBe(plaintext);
    }
    const numbers = (await keys.generations.all(fleet)).map(({ number }) => number);
    expect(numbers.length).toBeGreaterThan(30);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
  });

  it("of which one destroys the keys: the other, which has them in memory, uses none from then on", async () => {
    const maker = runFixture("wrapping-key-maker.ts", world.directory, world.keyFile, fleet, "forever");
    await maker.printed("ready");
    await expect.poll(() => maker.lines().length).toBeGreaterThan(3);
    await (await world.open()).scheduleDeletion(fleet, 7);
    await maker.printed("key_disabled");
    const since = maker.lines().slice(maker.lines().indexOf("key_disabled"));
    expect(new Set(since)).toEqual(new Set(["key_disabled"]));
  });
});
