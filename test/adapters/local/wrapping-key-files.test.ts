/** Files of wrapping keys: destroyed, also by a process that crashed over it, and changed. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localDataKeys } from "../../../adapters/local/data-keys.ts";
import { openSoftwareKeyService } from "../../../adapters/local/software-key-service.ts";
import { dataKeyDuties } from "../../../core/rotation/data-key-duties.ts";
import { codeOf } from "../../support/errors.ts";
import { dayMilliseconds, wrappingHouse } from "./wrapping-house.ts";

const fleet = "ward-north";
const name = "ward-north-protection";
const context = { fleet, purpose: "observations", subject: "subject-1" };

let world = wrappingHouse();
beforeEach(() => {
  world = wrappingHouse();
});
afterEach(() => {
  world.close();
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

  it("may be what cannot be looked at: then nobody uses what is there", async () => {
    const keys = await world.open();
    const first = await keys.generate(fleet, context);
    // A link to itself: the system says ELOOP, neither that it is there nor that it is not.
    symlinkSync("wrapping.ward-north.destroyed.json", world.path("wrapping.ward-north.destroyed.json"));
    for (const call of [
      keys.keyOf(fleet),
      keys.unwrap(fleet, first, context),
      keys.openGeneration(fleet, first.keyId),
    ])
      expect(await codeOf(call)).toBe("key_service_unavailable");
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
