/** Room: test. Tasks beside each other, beside writers and beside people: nothing twice, nothing lost, nothing revived. */
import { expect, it } from "vitest";
import { isAppError } from "../../core/errors.ts";
import {
  cancelReencryption,
  getReencryption,
  startReencryption,
} from "../../core/protection/reencryption.ts";
import { moveKeys } from "../../core/protection/reencryption-batch.ts";
import { findReencryption } from "../../core/protection/reencryption-view.ts";
import { safekeep } from "../../core/protection/safekeeping.ts";
import {
  firstPlace,
  type KeyBatch,
  type KeyPlace,
  readKeys,
} from "../../core/protection/safekeeping-walk.ts";
import { getShred, listShreds, type ShredDecision, shredData } from "../../core/protection/shred.ts";
import {
  currentContextVersion,
  fleetTombstoneKey,
  subjectKeyContext,
  subjectKeyItem,
  subjectKeyKey,
  subjectTombstoneKey,
} from "../../core/records/subject-key-record.ts";
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

/** As writers make one: in the transaction that both tombstones are absent from. True when it was made. */
async function makeKey(app: KeepingApp, subject: string): Promise<boolean> {
  const named = { fleet, subject, version: 1, contextVersion: currentContextVersion };
  try {
    const { plaintext: _, ...wrapped } = await app.wrappingKeys.generate(fleet, subjectKeyContext(named));
    const now = app.clock.now();
    const put = subjectKeyItem({ ...named, ...wrapped, createdAt: now, wrappedAt: now });
    await app.subjectKeys.transact([
      { put, when: "absent" },
      { check: subjectTombstoneKey(fleet, subject), when: "absent" },
      { check: fleetTombstoneKey(fleet), when: "absent" },
    ]);
    return true;
  } catch (error) {
    if (isAppError(error, "store_condition_failed") || isAppError(error, "key_disabled")) return false;
    throw error;
  }
}

async function allKeys(app: KeepingApp): Promise<KeyBatch["keys"]> {
  const found = [];
  for (let place: KeyPlace | undefined = firstPlace; place !== undefined; ) {
    const { keys, next }: KeyBatch = await readKeys(app, fleet, place, 99);
    found.push(...keys);
    place = next;
  }
  return found;
}

it("three tasks at once move every key, and the counts are those of one", async () => {
  const { app, clock, keys } = await openWorld();
  const plain = await putKeys(app, 700);
  clock.advance(1_000);
  keys.rotate(fleet);
  const { reencryptionId: jobId } = await startReencryption(app, { fleet, actor });
  await Promise.all([safekeep(app), safekeep(app), safekeep(app)]);
  expect(await getReencryption(app, { fleet, jobId })).toMatchObject({
    state: "done",
    moved: 700,
    unchanged: 0,
    verified: 700,
    unreadable: 0,
  });
  expect(await auditOf(app, "reencryption.ended")).toHaveLength(1);
  await expectSame(app, plain);
});

it("three tasks at once destroy a fleet's keys, and count and certify them once", async () => {
  const { app } = await openWorld();
  await putKeys(app, 700);
  const { shredId } = await shredData(app, await decisionOf(app, { scope: "fleet" }));
  const reports = await Promise.all([safekeep(app), safekeep(app), safekeep(app)]);
  expect(reports.reduce((sum, { destroyed }) => sum + destroyed, 0)).toBe(700);
  expect(await getShred(app, { fleet, shredId })).toMatchObject({ state: "done", destroyed: 700 });
  expect(await auditOf(app, "shred.done")).toHaveLength(1);
  expect(await storedKeys(app)).toEqual([]);
});

it("two decisions on one subject at once: one destruction or two, the keys go once", async () => {
  const { app } = await openWorld();
  await putKey(app, "s-1");
  const what = { scope: "subject", subject: "s-1" } as const;
  const decisions = [await decisionOf(app, what), await decisionOf(app, what)];
  const outcomes = await Promise.allSettled(decisions.map((decision) => shredData(app, decision)));
  expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
  const reports = await Promise.all([safekeep(app), safekeep(app)]);
  expect(reports.reduce((sum, { destroyed }) => sum + destroyed, 0)).toBe(1);
  for (const { state, certificate } of (await listShreds(app, { fleet, limit: 10 })).shreds)
    expect({ state, certificate }).toMatchObject({ state: "done", certificate: { subjectKeys: 1 } });
});

it("a re-encryption beside the destruction of subjects revives none of them", async () => {
  const { app, clock } = await openWorld();
  const plain = new Map(await putKeys(app, 300));
  clock.advance(1_000);
  const gone = Array.from({ length: 20 }, (_, index) => `s-${index * 7 + 1}`);
  const decisions: ShredDecision[] = [];
  for (const subject of gone) decisions.push(await decisionOf(app, { scope: "subject", subject }));
  const { reencryptionId: jobId } = await startReencryption(app, { fleet, actor });
  const shredding = async () => {
    for (const decision of decisions) {
      await shredData(app, decision);
      await safekeep(app);
    }
  };
  await Promise.all([safekeep(app), shredding(), safekeep(app)]);
  for (const subject of gone) plain.delete(subject);
  await expectSame(app, plain);
  expect(await getReencryption(app, { fleet, jobId })).toMatchObject({ state: "done", unreadable: 0 });
});

it("writers beside a destruction of the fleet leave no key behind", async () => {
  const { app } = await openWorld();
  await putKeys(app, 300);
  let made = 0;
  const writing = async (writer: number) => {
    for (let index = 0; index < 200; index += 1) if (await makeKey(app, `w-${writer}-${index}`)) made += 1;
  };
  const decision = await decisionOf(app, { scope: "fleet" });
  const shredding = async () => {
    while (made < 100) await app.clock.sleep(1);
    const { shredId } = await shredData(app, decision);
    await Promise.all([safekeep(app), safekeep(app)]);
    return shredId;
  };
  const [shredId] = await Promise.all([shredding(), writing(1), writing(2)]);
  expect(made).toBeGreaterThanOrEqual(100);
  expect(await storedKeys(app)).toEqual([]);
  expect(await getShred(app, { fleet, shredId })).toMatchObject({ state: "done", destroyed: 300 + made });
});

it("a batch whose keys others changed first moves the rest, and counts what the others moved", async () => {
  const { app, clock } = await openWorld();
  await putKeys(app, 10);
  clock.advance(1_000);
  const { reencryptionId: jobId } = await startReencryption(app, { fleet, actor });
  const job = (await findReencryption(app, { fleet, jobId })).value;
  const keys = await allKeys(app);
  const [first, second, third, ...others] = keys;
  if (first === undefined || second === undefined || third === undefined) expect.fail("too few keys");
  await moveKeys(app, job, [first, second]);
  const { fleet: name, subject, version } = third.value;
  await app.subjectKeys.transact([{ delete: subjectKeyKey(name, subject, version), when: "present" }]);
  const outcome = { moved: 2 + others.length, unchanged: 0, unreadable: 0, written: others.length };
  expect(await moveKeys(app, job, keys)).toEqual(outcome);
});

it("a cancellation wins against a task that is at work", async () => {
  const { app, clock } = await openWorld();
  const plain = await putKeys(app, 1_000);
  clock.advance(1_000);
  const { reencryptionId: jobId } = await startReencryption(app, { fleet, actor });
  const run = safekeep(app);
  await app.clock.sleep(5);
  const view = await cancelReencryption(app, { fleet, jobId, actor }).catch(() => undefined);
  await run;
  const state = (await getReencryption(app, { fleet, jobId })).state;
  expect(state).toBe(view === undefined ? "done" : "cancelled");
  expect(await auditOf(app, "reencryption.ended")).toHaveLength(1);
  await expectSame(app, plain);
});
