/** Room: test. Keys of subjects: one for many makers, newer ones in time, none where a tombstone stands. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Item } from "../../core/ports.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { subjectKeyCache } from "../../core/protection/subject-key-cache.ts";
import { getSubjectKey } from "../../core/protection/subject-keys.ts";
import {
  fleetTombstoneKey,
  subjectKeyItem,
  subjectKeyKey,
  subjectKeyRecord,
  subjectTombstoneKey,
  tombstoneItem,
} from "../../core/records/subject-key-record.ts";
import { protectionStandard } from "../../core/standard/protection.ts";
import { type DataWorld, dataCaller, encrypted, fleet, openDataWorld, outcomeOf } from "./data-world.ts";
import { auditOf, type KeepingApp, storedKeys } from "./keeping-world.ts";
import { atEveryCall, type Death } from "./mortal-keeping.ts";

const observations = { purpose: "observations", subject: "s-1" };
const day = 86_400_000;
const { subjectKeyDays, subjectKeyVersions, serviceCache } = protectionStandard;

let world: DataWorld;
let app: KeepingApp;
beforeEach(async () => {
  world = await openDataWorld();
  ({ app } = world);
});
afterEach(() => world.close());

const context = (subject: string) => ({ ...observations, subject });
const make = (subject = "s-1", on = app) => encrypted(on, context(subject));

async function read(message: Buffer, subject = "s-1", on = app): Promise<string> {
  const caller = await dataCaller(on);
  const { plaintext } = await decryptData(on, { caller, context: context(subject), message });
  return plaintext.toString();
}

const versionsOf = async (subject: string) =>
  (await storedKeys(app)).filter((key) => key.subject === subject).map(({ version }) => version);

async function itemOf(subject: string, version = 1): Promise<Item> {
  const item = await app.subjectKeys.get(subjectKeyKey(fleet, subject, version));
  return item ?? expect.fail("no key");
}

/** How often the wrapping key was asked to open one. */
function countingUnwraps(): { readonly app: KeepingApp; readonly count: () => number } {
  let count = 0;
  const { wrappingKeys } = app;
  const counting: typeof wrappingKeys = {
    keyOf: (name) => wrappingKeys.keyOf(name),
    generate: (...wish) => wrappingKeys.generate(...wish),
    unwrap: (...wish) => {
      count += 1;
      return wrappingKeys.unwrap(...wish);
    },
    rewrap: (...wish) => wrappingKeys.rewrap(...wish),
    scheduleDeletion: (...wish) => wrappingKeys.scheduleDeletion(...wish),
  };
  return { app: { ...app, wrappingKeys: counting }, count: () => count };
}

describe("makers", () => {
  it("twenty at once make one key, every message opens, and each of them is on record", async () => {
    const messages = await Promise.all(Array.from({ length: 20 }, () => make()));
    expect(await versionsOf("s-1")).toEqual([1]);
    const opened = await Promise.all(messages.map((message) => read(message)));
    expect(opened).toEqual(messages.map(() => "120 over 80"));
    const entries = await auditOf(app, "subject-key.created");
    expect(entries.length).toBeGreaterThanOrEqual(1);
    expect(entries.every(({ reason }) => reason === "version-1")).toBe(true);
  });

  it("two processes at once make one key when the old one is due", async () => {
    const first = await make();
    world.clock.advance(subjectKeyDays * day);
    const other: KeepingApp = { ...app, wrappingKeys: countingUnwraps().app.wrappingKeys };
    const messages = await Promise.all([make("s-1"), make("s-1", other), make("s-1", other)]);
    expect((await versionsOf("s-1")).sort()).toEqual([1, 2]);
    for (const message of [first, ...messages]) expect(await read(message)).toBe("120 over 80");
  });

  it(`SP 800-57 Part 1 §5.3.6: new data go under a new version after ${subjectKeyDays} days; older messages open`, async () => {
    const old = await make();
    world.clock.advance(subjectKeyDays * day - 60_000);
    await make();
    expect(await versionsOf("s-1")).toEqual([1]);
    world.clock.advance(60_000);
    const young = await make();
    expect((await versionsOf("s-1")).sort()).toEqual([1, 2]);
    const names = [old, young].map((message) => app.cipher.headerOf(message).wrapping);
    expect(names).toMatchObject([1, 2].map((n) => ({ keyName: `subject-key:${fleet}:s-1:${n}` })));
    expect([await read(old), await read(young)]).toEqual(["120 over 80", "120 over 80"]);
  });

  it(`version ${subjectKeyVersions} is the last: all of them are destroyed in one transaction`, async () => {
    await make();
    const first = subjectKeyRecord(await itemOf("s-1")).value;
    const named = { ...first, version: subjectKeyVersions };
    await app.subjectKeys.transact([{ put: subjectKeyItem(named), when: "absent" }]);
    world.clock.advance(subjectKeyDays * day);
    const { version } = await getSubjectKey(app, { caller: await dataCaller(app), subject: "s-1" });
    expect(version).toBe(subjectKeyVersions);
  });

  it("a subject whose name begins with another's has keys of its own", async () => {
    const messages = [await make("s-1"), await make("s-1.a"), await make("s-1:1"), await make("s-11")];
    const subjects = ["s-1", "s-1.a", "s-1:1", "s-11"];
    for (const subject of subjects) expect(await versionsOf(subject)).toEqual([1]);
    for (const [index, message] of messages.entries())
      expect(await read(message, subjects[index])).toBe("120 over 80");
  });
});

describe("a tombstone", () => {
  const stones = [
    ["of the subject", subjectTombstoneKey(fleet, "s-1")],
    ["of the fleet", fleetTombstoneKey(fleet)],
  ] as const;

  it.each(stones)(
    "%s ends making and reading at once, while keys are stored and in memory",
    async (_name, key) => {
      const message = await make();
      expect(await read(message)).toBe("120 over 80");
      await app.subjectKeys.transact([{ put: tombstoneItem(key, "shred-1", 1), when: "absent" }]);
      expect(await outcomeOf(read(message))).toBe("unreadable");
      expect(await outcomeOf(make())).toBe("subject_shredded");
      const named = { caller: await dataCaller(app), subject: "s-1" };
      expect(await outcomeOf(getSubjectKey(app, named))).toBe("subject_shredded");
      expect(await versionsOf("s-1")).toEqual([1]);
    },
  );

  it.each(stones)("%s ends data under the fleet's own key too", async (_name, key) => {
    const exported = { purpose: "exports", subject: "s-1" };
    const message = await encrypted(app, exported);
    await app.subjectKeys.transact([{ put: tombstoneItem(key, "shred-1", 1), when: "absent" }]);
    const request = { caller: await dataCaller(app), context: exported, message };
    expect(await outcomeOf(decryptData(app, request))).toBe("unreadable");
    expect(await outcomeOf(encrypted(app, exported))).toBe("subject_shredded");
  });

  it.each(stones)(
    "%s that comes while a key is made: the key is not stored, nor ever",
    async (_name, key) => {
      const generate: KeepingApp["wrappingKeys"]["generate"] = async (...wish) => {
        await app.subjectKeys.transact([{ put: tombstoneItem(key, "shred-1", 1), when: "absent" }]);
        return await app.wrappingKeys.generate(...wish);
      };
      const { wrappingKeys } = countingUnwraps().app;
      const late: KeepingApp = { ...app, wrappingKeys: { ...wrappingKeys, generate } };
      expect(await outcomeOf(make("s-1", late))).toBe("subject_shredded");
      expect(await storedKeys(app)).toEqual([]);
    },
  );

  it("of one subject is none of another's", async () => {
    const put = tombstoneItem(subjectTombstoneKey(fleet, "s-1"), "shred-1", 1);
    await app.subjectKeys.transact([{ put, when: "absent" }]);
    const message = await make("s-2");
    expect(await read(message, "s-2")).toBe("120 over 80");
    // Nor do the other's data become its own.
    const request = { caller: await dataCaller(app), context: context("s-2"), message, to: context("s-1") };
    expect(await outcomeOf(reencryptData(app, request))).toBe("subject_shredded");
    expect(await auditOf(app, "data.moved")).toEqual([]);
  });
});

describe("a key whose item is gone", () => {
  it("opens nothing at once, though it is in the memory of the process", async () => {
    const message = await make();
    expect(await read(message)).toBe("120 over 80");
    await app.subjectKeys.transact([{ delete: subjectKeyKey(fleet, "s-1", 1), when: "present" }]);
    expect(await outcomeOf(read(message))).toBe("unreadable");
  });
});

describe("who writes in the store of keys", () => {
  it("and puts one subject's key where another's was gets nothing opened or made with it", async () => {
    const message = await make("s-1");
    await make("s-2");
    // s-2's key is in memory: its octets are known under its own name alone.
    const { wrapped, keyId } = (await itemOf("s-2")).attributes;
    const own = await itemOf("s-1");
    const moved = { ...own.attributes, wrapped: wrapped ?? "", keyId: keyId ?? "" };
    await app.subjectKeys.transact([{ put: { ...own, attributes: moved }, when: 1 }]);
    expect(await outcomeOf(read(message))).toBe("unreadable");
    expect(await outcomeOf(make("s-1"))).toBe("unreadable");
  });

  it.each([
    ["a whole item", (_own: Item, other: Item) => other.attributes],
    ["another version", (own: Item) => ({ ...own.attributes, version: 2 })],
    ["another fleet", (own: Item) => ({ ...own.attributes, fleet: "other" })],
    ["another form of context", (own: Item) => ({ ...own.attributes, contextVersion: 2 })],
    ["a wrapping key that is none", (own: Item) => ({ ...own.attributes, keyId: "local:gone-protection:1" })],
    [
      "another fleet's wrapping key",
      (own: Item) => ({ ...own.attributes, keyId: "local:other-protection:1" }),
    ],
  ])("and puts %s in its place gets nothing opened or made with it", async (_name, change) => {
    const message = await make("s-1");
    await make("s-2");
    const own = await itemOf("s-1");
    const attributes = change(own, await itemOf("s-2"));
    await app.subjectKeys.transact([{ put: { ...own, attributes }, when: 1 }]);
    expect(await outcomeOf(read(message))).toBe("unreadable");
    expect(["unreadable", "key_not_found"]).toContain(await outcomeOf(make("s-1")));
  });
});

describe("keys in memory", () => {
  it(`are opened once in ${serviceCache.maximumAgeSeconds} s, and asked for again afterwards`, async () => {
    const message = await make();
    const { app: counted, count } = countingUnwraps();
    for (let times = 1; times <= 5; times += 1) await read(message, "s-1", counted);
    expect(count()).toBe(1);
    world.clock.advance(serviceCache.maximumAgeSeconds * 1000);
    await read(message, "s-1", counted);
    expect(count()).toBe(2);
  });

  it("are of one key service alone, and found by whoever wraps the same ports anew", async () => {
    const message = await make();
    await read(message);
    const { app: counted, count } = countingUnwraps();
    await read(message, "s-1", counted);
    await read(message, "s-1", { ...counted });
    expect(count()).toBe(1);
    expect(subjectKeyCache(counted)).not.toBe(subjectKeyCache(app));
  });
});

const deaths: readonly Death[] = ["before the call", "before the answer"];

describe.each(deaths)("a process that dies %s", (death) => {
  it("while it makes a subject's first data: no key is without its entry, and the next one goes on", async () => {
    const count = await atEveryCall(death, async (dying) => {
      const each = await openDataWorld();
      await dying(each.app, (mortal) => make("s-1", mortal));
      const keys = await storedKeys(each.app);
      const entries = await auditOf(each.app, "subject-key.created");
      expect(keys.length).toBeLessThanOrEqual(entries.length);
      const message = await make("s-1", each.app);
      expect(await read(message, "s-1", each.app)).toBe("120 over 80");
      expect(await storedKeys(each.app)).toHaveLength(1);
      await each.close();
    });
    // The maker keeps the key that it has made: nobody is asked for it again.
    expect(count).toBeGreaterThanOrEqual(7);
  });

  it("while it reads: what was shown is on record", async () => {
    const count = await atEveryCall(death, async (dying) => {
      const each = await openDataWorld();
      const message = await make("s-1", each.app);
      let isShown = false;
      await dying(each.app, async (mortal) => {
        await read(message, "s-1", mortal);
        isShown = true;
      });
      if (isShown) expect(await auditOf(each.app, "data.read")).toHaveLength(1);
      expect(await read(message, "s-1", each.app)).toBe("120 over 80");
      await each.close();
    });
    expect(count).toBeGreaterThanOrEqual(5);
  });
});
