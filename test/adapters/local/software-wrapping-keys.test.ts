/** Wrapping keys as files of the key store: their time, several processes, a crash at each step, files that were changed. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localDataKeys } from "../../../adapters/local/data-keys.ts";
import { openSoftwareKeyService } from "../../../adapters/local/software-key-service.ts";
import { softwareWrappingKeys } from "../../../adapters/local/software-wrapping-keys.ts";
import { dataKeyDuties } from "../../../core/rotation/data-key-duties.ts";
import { dataKeysContract } from "../../contracts/data-keys.ts";
import { wrappingKeysContract } from "../../contracts/wrapping-keys.ts";
import { codeOf } from "../../support/errors.ts";
import { killFixtures, runFixture } from "./child-process.ts";

const dayMilliseconds = 86_400_000;
const fleet = "ward-north";
const name = "ward-north-protection";
const context = { fleet, purpose: "observations", subject: "subject-1" };

function house() {
  const root = mkdtempSync(join(tmpdir(), "fleetkey-wrapping-"));
  const directory = join(root, "keys");
  const keyFile = join(root, "master.key");
  let now = Date.now();
  return {
    root,
    directory,
    keyFile,
    now: () => now,
    passDays: (days: number) => {
      now += days * dayMilliseconds;
    },
    open: () => softwareWrappingKeys({ directory, masterKey: { keyFile }, clock: { now: () => now } }),
    path: (file: string) => join(directory, file),
    files: () =>
      readdirSync(directory).filter((file) => file.startsWith("wrapping.") && file.endsWith(".json")),
    close: () => rmSync(root, { recursive: true }),
  };
}

wrappingKeysContract("files", async () => {
  const { open, close } = house();
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
  const { open, close } = house();
  const keys = await open();
  for (const each of ["ward", "ward-north", "a"]) await keys.keyOf(each);
  return {
    dataKeys: localDataKeys(keys),
    names: ["a-protection", "ward-north-protection", "ward-protection"],
    close: async () => close(),
  };
});

let world = house();
beforeEach(() => {
  world = house();
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
    expect(state).toMatchObject({ onDemandRotations: 0, lastRotationAt: world.now(), rotationDays: 365 });
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

describe("destroyed keys", () => {
  async function destroyed() {
    const keys = await world.open();
    const first = await keys.generate(fleet, context);
    await localDataKeys(keys).rotateNow(name);
    const sealed = world
      .files()
      .map((file) => String(JSON.parse(readFileSync(world.path(file), "utf8")).sealed));
    return { keys, first, sealed };
  }

  it("are in no file, and their fleet never has keys again, in a process that starts later too", async () => {
    const { keys, first, sealed } = await destroyed();
    expect(await keys.scheduleDeletion(fleet, 30)).toEqual({ deletionAt: world.now() });
    world.passDays(3);
    for (const each of [keys, await world.open()]) {
      const calls = [
        each.keyOf(fleet),
        each.generate(fleet, context),
        each.unwrap(fleet, first, context),
        each.rewrap(fleet, first, context, context),
        each.openGeneration(fleet),
        each.openGeneration(fleet, first.keyId),
      ];
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => "key_disabled"));
      expect(await each.hasGeneration(fleet, first.keyId)).toBe(false);
    }
    expect(world.files()).toEqual(["wrapping.ward-north.destroyed.json"]);
    for (const file of readdirSync(world.directory))
      for (const octets of sealed) expect(readFileSync(world.path(file), "latin1")).not.toContain(octets);
    expect(await keys.scheduleDeletion(fleet, 7)).toEqual({ deletionAt: world.now() - 3 * dayMilliseconds });
  });

  it("before any was made: the fleet never gets one", async () => {
    const keys = await world.open();
    await keys.scheduleDeletion(fleet, 7);
    expect(await codeOf(keys.generate(fleet, context))).toBe("key_disabled");
  });

  it.each([
    { step: "after the decision", spoil: () => undefined },
    { step: "while one is overwritten", spoil: (path: string) => writeFileSync(path, Buffer.alloc(40)) },
    { step: "before the last is removed", spoil: (path: string) => rmSync(path) },
  ])("a crash $step: none is used, and the next call finishes it", async ({ spoil }) => {
    const { keys, first } = await destroyed();
    const decided = { version: 1, fleet, destroyedAt: 1_700_000_000_000 };
    const tombstone = world.path("wrapping.ward-north.destroyed.json");
    writeFileSync(tombstone, JSON.stringify(decided), { mode: 0o600 });
    spoil(world.path("wrapping.ward-north.1.json"));
    expect(await codeOf(keys.unwrap(fleet, first, context))).toBe("key_disabled");
    expect(await localDataKeys(keys).list()).toEqual([]);
    expect(await keys.scheduleDeletion(fleet, 7)).toEqual({ deletionAt: decided.destroyedAt });
    expect(world.files()).toEqual(["wrapping.ward-north.destroyed.json"]);
  });

  it.each(["", "{", "[]", "null", '{"destroyedAt":"soon"}'])(
    "a tombstone that reads %j stays one: nothing opens, and the call that repeats it finishes",
    async (content) => {
      const { keys, first } = await destroyed();
      writeFileSync(world.path("wrapping.ward-north.destroyed.json"), content, { mode: 0o600 });
      expect(await codeOf(keys.unwrap(fleet, first, context))).toBe("key_disabled");
      expect(await keys.scheduleDeletion(fleet, 7)).toEqual({ deletionAt: world.now() });
      expect(world.files()).toEqual(["wrapping.ward-north.destroyed.json"]);
    },
  );

  it("leave the other fleets' and the signing keys as they are", async () => {
    const { keys } = await destroyed();
    const other = await keys.generate("ward", context);
    const signing = () =>
      openSoftwareKeyService({ directory: world.directory, masterKey: { keyFile: world.keyFile } });
    const { keyId } = await (await signing()).createKey("fleet/root", "P-256");
    await keys.scheduleDeletion(fleet, 7);
    expect(await (await world.open()).unwrap("ward", other, context)).toEqual(other.plaintext);
    expect(await (await signing()).sign(keyId, Buffer.from("message"))).not.toHaveLength(0);
  });
});

describe("files that were changed", () => {
  const first = () => world.path("wrapping.ward-north.1.json");
  const rewrite = (change: (stored: Record<string, unknown>) => object) =>
    writeFileSync(first(), JSON.stringify(change(JSON.parse(readFileSync(first(), "utf8")))));

  it.each([
    { what: "its age", change: (stored: object) => ({ ...stored, createdAt: 1 }) },
    { what: "why it was made", change: (stored: object) => ({ ...stored, cause: "onDemand" }) },
    { what: "an unknown cause", change: (stored: object) => ({ ...stored, cause: "whim" }) },
    { what: "its name", change: (stored: object) => ({ ...stored, keyId: "local:ward-protection:1" }) },
    { what: "its sealed octets", change: (stored: object) => ({ ...stored, sealed: "AAAA" }) },
    { what: "everything", change: () => [] },
  ])("$what: it does not open, and the list tells of it beside the others", async ({ change }) => {
    const keys = await world.open();
    await keys.keyOf(fleet);
    await keys.keyOf("ward");
    rewrite(change);
    const anew = await world.open();
    expect(await codeOf(anew.keyOf(fleet))).toBe("key_store_locked");
    const listed = await localDataKeys(anew).list();
    expect(listed.map((key) => [key.name, key.condition])).toEqual([
      [name, "unavailable"],
      ["ward-protection", "enabled"],
    ]);
    expect(dataKeyDuties(listed, world.now())).toMatchObject([{ action: "inspectKey", subject: name }]);
  });

  it("a file under another generation's or fleet's name does not open", async () => {
    const keys = await world.open();
    await keys.keyOf(fleet);
    copyFileSync(first(), world.path("wrapping.ward-north.2.json"));
    copyFileSync(first(), world.path("wrapping.ward.1.json"));
    const anew = await world.open();
    expect(await codeOf(anew.keyOf(fleet))).toBe("key_store_locked");
    expect(await codeOf(anew.keyOf("ward"))).toBe("key_store_locked");
  });

  it("a generation of a newer release is refused", async () => {
    await (await world.open()).keyOf(fleet);
    rewrite((stored) => ({ ...stored, version: 2 }));
    expect(await codeOf((await world.open()).keyOf(fleet))).toBe("configuration_invalid");
  });

  it("one that others may read is refused", async () => {
    await (await world.open()).keyOf(fleet);
    const content = readFileSync(first());
    rmSync(first());
    writeFileSync(first(), content, { mode: 0o644 });
    expect(await codeOf((await world.open()).keyOf(fleet))).toBe("configuration_invalid");
  });

  it("a store that has wrapping keys alone and lost its header is no new store", async () => {
    await (await world.open()).keyOf(fleet);
    rmSync(world.path("keystore.json"));
    expect(await codeOf(world.open())).toBe("key_store_locked");
    expect(existsSync(world.path("keystore.json"))).toBe(false);
  });

  it("half a file that has no name yet is nothing", async () => {
    const keys = await world.open();
    await keys.keyOf(fleet);
    writeFileSync(world.path(`.${"0".repeat(24)}.tmp`), "half", { mode: 0o600 });
    expect(await (await world.open()).keyOf(fleet)).toBe(`local:${name}:1`);
  });
});
