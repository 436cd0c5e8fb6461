/** Room: test. Deaths at every call of every port: re-encryptions and destructions end as if nobody had died. */
import { describe, expect, it } from "vitest";
import { isAppError } from "../../core/errors.ts";
import { getReencryption, listReencryptions, startReencryption } from "../../core/protection/reencryption.ts";
import { safekeep } from "../../core/protection/safekeeping.ts";
import { getShred, listShreds, shredData } from "../../core/protection/shred.ts";
import {
  actor,
  auditOf,
  decisionOf,
  expectSame,
  fleet,
  type KeepingApp,
  openWorld,
  putKey,
  putKeys,
  storedKeys,
} from "./keeping-world.ts";
import { atEveryCall, type Death } from "./mortal-keeping.ts";

const deaths: readonly Death[] = ["before the call", "before the answer"];

/** Two versions of s-1, which is to go, and three others. */
async function shreddable() {
  const world = await openWorld();
  const plain = await putKeys(world.app, 4);
  await putKey(world.app, "s-1", { version: 2 });
  const others = new Map([...plain].filter(([subject]) => subject !== "s-1"));
  return { ...world, others };
}

async function expectShredded(app: KeepingApp, shredId: string, destroyed: number): Promise<void> {
  const view = await getShred(app, { fleet, shredId });
  expect(view).toMatchObject({ state: "done", destroyed, certificate: { subjectKeys: destroyed } });
  const entries = await auditOf(app, "shred.done");
  expect(entries).toMatchObject([{ subject: shredId, reason: view.certificateDigest }]);
  expect(JSON.parse(String(entries[0]?.["document"]))).toEqual(view.certificate);
}

describe.each(deaths)("a process that dies %s", (death) => {
  it.each([
    { size: 9, deadly: "every call", deaths: 22 },
    { size: 260, deadly: "every write", deaths: 10 },
  ] as const)(
    "re-encryption of $size keys, at $deadly: each is counted once, opened, and the same",
    async ({ size, deadly, deaths: least }) => {
      const count = await atEveryCall(
        death,
        async (dying) => {
          const { app, keys, clock } = await openWorld();
          const plain = await putKeys(app, size);
          clock.advance(60_000);
          keys.rotate(fleet);
          const { reencryptionId: jobId } = await startReencryption(app, { fleet, actor });
          await dying(app, (mortal) => safekeep(mortal));
          await expectSame(app, plain);
          await safekeep(app);
          const target = await app.wrappingKeys.keyOf(fleet);
          expect(await getReencryption(app, { fleet, jobId })).toMatchObject({
            state: "done",
            moved: size,
            unchanged: 0,
            verified: size,
            unreadable: 0,
          });
          expect((await storedKeys(app)).every(({ keyId }) => keyId === target)).toBe(true);
          await expectSame(app, plain);
          expect(await auditOf(app, "reencryption.ended")).toHaveLength(1);
        },
        deadly,
      );
      expect(count).toBeGreaterThanOrEqual(least);
    },
    60_000,
  );

  it("the beginning of a re-encryption: it has begun, with its entry, or it has not", async () => {
    const count = await atEveryCall(death, async (dying) => {
      const { app, clock } = await openWorld();
      await putKeys(app, 2);
      clock.advance(1_000);
      await dying(app, (mortal) => startReencryption(mortal, { fleet, actor }));
      const { reencryptions } = await listReencryptions(app, { fleet, limit: 10 });
      expect(await auditOf(app, "reencryption.started")).toHaveLength(reencryptions.length);
      if (reencryptions.length === 0) await startReencryption(app, { fleet, actor });
      expect(await safekeep(app)).toMatchObject({ moved: 2, verified: 2, ended: 1 });
    });
    expect(count).toBeGreaterThanOrEqual(3);
  }, 60_000);

  it("the decision to destroy: it stands, and the keys go, or the approval is still good", async () => {
    const count = await atEveryCall(death, async (dying) => {
      const { app, others } = await shreddable();
      const decision = await decisionOf(app, { scope: "subject", subject: "s-1" });
      await dying(app, (mortal) => shredData(mortal, decision));
      const [before] = (await listShreds(app, { fleet, limit: 10 })).shreds;
      if (before === undefined) await shredData(app, decision);
      else
        await expect(shredData(app, decision)).rejects.toSatisfy(
          (error) => isAppError(error, "approval_spent") || isAppError(error, "subject_shredded"),
        );
      await safekeep(app);
      const { shreds } = await listShreds(app, { fleet, limit: 10 });
      expect(shreds).toHaveLength(1);
      await expectShredded(app, shreds[0]?.shredId ?? "", 2);
      expect(await auditOf(app, "shred.decided")).toHaveLength(1);
      await expectSame(app, others);
    });
    expect(count).toBeGreaterThanOrEqual(4);
  }, 60_000);

  it.each(["subject", "fleet"] as const)(
    "the destruction of a %s: each key is counted once, and certified once",
    async (scope) => {
      const count = await atEveryCall(death, async (dying) => {
        const { app, others, keys } = await shreddable();
        const subject = scope === "subject" ? { subject: "s-1" } : {};
        const { shredId } = await shredData(app, await decisionOf(app, { scope, ...subject }));
        await dying(app, (mortal) => safekeep(mortal));
        await safekeep(app);
        await expectShredded(app, shredId, scope === "subject" ? 2 : 5);
        if (scope === "subject") return await expectSame(app, others);
        expect(await storedKeys(app)).toEqual([]);
        expect([...keys.deletions.keys()]).toEqual([fleet]);
      });
      expect(count).toBeGreaterThanOrEqual(7);
    },
    60_000,
  );
});
