/**
 * Room: test. A process that dies at any call of a port while it protects or reads data: nothing is half written, and
 * whoever comes next goes on as if nobody had died.
 */
import { describe, expect, it } from "vitest";
import type { ContextRequest } from "../../core/policy/encryption-context.ts";
import { createDataKey, unwrapDataKey } from "../../core/protection/data-keys.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { encryptData } from "../../core/protection/encrypt.ts";
import { createDataKeyPair } from "../../core/protection/key-pairs.ts";
import { reencryptData } from "../../core/protection/reencrypt.ts";
import { getSubjectKey } from "../../core/protection/subject-keys.ts";
import { subjectKeyContext } from "../../core/records/subject-key-record.ts";
import { protectionStandard } from "../../core/standard/protection.ts";
import { dataCaller, encrypted, exported, fleet, observations, openFaultyWorld } from "./data-world.ts";
import { auditOf, type KeepingApp, storedKeys } from "./keeping-world.ts";
import { atEveryCall, type Death } from "./mortal-keeping.ts";

const deaths: readonly Death[] = ["before the call", "before the answer"];
const dose = "120 over 80";
const day = 86_400_000;

/** What the dead had been given before, if the store has it; then each use case once. */
const lives: Readonly<
  Record<string, (app: KeepingApp, context: ContextRequest, old: Buffer) => Promise<unknown>>
> = {
  createDataKey: async (app, context) =>
    createDataKey(app, { caller: await dataCaller(app), context, withPlaintext: true }),
  createDataKeyPair: async (app, context) =>
    createDataKeyPair(app, { caller: await dataCaller(app), context, keyAlgorithm: "Ed25519" }),
  encryptData: async (app, context) =>
    encryptData(app, { caller: await dataCaller(app), context, plaintext: Buffer.from(dose) }),
  reencryptData: async (app, context, message) =>
    reencryptData(app, { caller: await dataCaller(app), context, message }),
  "reencryptData to another subject": async (app, context, message) =>
    reencryptData(app, {
      caller: await dataCaller(app),
      context,
      message,
      to: { ...context, subject: "s-new" },
    }),
  getSubjectKey: async (app, { subject }) => getSubjectKey(app, { caller: await dataCaller(app), subject }),
};

/** Every key in the store opens, and has an entry of its own. */
async function expectWhole(app: KeepingApp): Promise<void> {
  const keys = await storedKeys(app);
  const entries = await auditOf(app, "subject-key.created");
  for (const key of keys) {
    expect(await app.wrappingKeys.unwrap(fleet, key, subjectKeyContext(key))).toHaveLength(32);
    const own = entries.filter(
      ({ subject, reason }) => subject === key.subject && reason === `version-${key.version}`,
    );
    // One of long ago is on another day of the log.
    if (key.version > 1 || key.subject === "s-new") expect(own.length).toBeGreaterThanOrEqual(1);
  }
}

describe.each(deaths)("a process that dies %s", (death) => {
  describe.each([
    ["under the subject's key", observations],
    ["under the fleet's key", exported],
  ] as const)("of data %s", (_name, context) => {
    it.each(Object.keys(lives))("%s, when the subject's key is due to be replaced", async (name) => {
      const count = await atEveryCall(death, async (dying) => {
        const world = await openFaultyWorld();
        const { app } = world;
        const old = await encrypted(app, context, dose);
        world.clock.advance(protectionStandard.subjectKeyDays * day);
        await dying(app, (mortal) => lives[name]?.(mortal, context, old) ?? Promise.resolve());
        await expectWhole(app);
        const before = (await storedKeys(app)).length;
        await lives[name]?.(app, context, old);
        await lives[name]?.(app, context, old);
        await expectWhole(app);
        const versions = (await storedKeys(app)).map(({ subject, version }) => `${subject} ${version}`);
        expect(new Set(versions).size).toBe(versions.length);
        expect(versions.length).toBeGreaterThanOrEqual(before);
        expect(versions.every((each) => Number(each.split(" ")[1]) <= 2)).toBe(true);
        const caller = await dataCaller(app);
        const { plaintext } = await decryptData(app, { caller, context, message: old });
        expect(plaintext.toString()).toBe(dose);
      });
      expect(count).toBeGreaterThanOrEqual(2);
    });
  });

  it("while it opens a data key: what was given is on record", async () => {
    const count = await atEveryCall(death, async (dying) => {
      const world = await openFaultyWorld();
      const { app } = world;
      const caller = await dataCaller(app);
      const { wrapped } = await createDataKey(app, { caller, context: observations, withPlaintext: false });
      let isGiven = false;
      await dying(app, async (mortal) => {
        await unwrapDataKey(mortal, { caller, context: observations, wrapped });
        isGiven = true;
      });
      if (isGiven) expect(await auditOf(app, "data.read")).toHaveLength(1);
      expect((await unwrapDataKey(app, { caller, context: observations, wrapped })).plaintext).toHaveLength(
        32,
      );
    });
    expect(count).toBeGreaterThanOrEqual(4);
  });
});
