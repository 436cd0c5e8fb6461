/** Room: test. Re-encryptions: what they move and verify, what they survive, and what they leave alone. */
import { describe, expect, it } from "vitest";
import type { ItemStore } from "../../core/ports.ts";
import {
  cancelReencryption,
  getReencryption,
  listReencryptions,
  type ReencryptionView,
  startReencryption,
} from "../../core/protection/reencryption.ts";
import { safekeep } from "../../core/protection/safekeeping.ts";
import { shredData } from "../../core/protection/shred.ts";
import { subjectKeyContext, subjectKeyItem, subjectKeyKey } from "../../core/records/subject-key-record.ts";
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
  rotatedWorld,
  storedKeys,
} from "./keeping-world.ts";

/** Runs that end after one batch each; the job after each of them. */
async function inShortRuns(app: KeepingApp, jobId: string): Promise<readonly ReencryptionView[]> {
  const views: ReencryptionView[] = [];
  while (views.length < 100 && views.at(-1)?.state !== "done") {
    let asked = 0;
    await safekeep(app, {
      get until() {
        asked += 1;
        return asked > 6 ? 0 : Number.POSITIVE_INFINITY;
      },
    });
    views.push(await getReencryption(app, { fleet, jobId }));
  }
  return views;
}

describe("a re-encryption", () => {
  it("moves every key of the fleet under the key in force, opens each again, and leaves what they are", async () => {
    const { app, plain, jobId, notices, started, keys } = await rotatedWorld(250);
    expect(started).toEqual(["safekeep"]);
    expect(await safekeep(app)).toMatchObject({ moved: 250, verified: 250, ended: 1, failed: 0 });
    expect(keys.opened).toBe(500);
    const target = await app.wrappingKeys.keyOf(fleet);
    expect((await storedKeys(app)).filter(({ keyId }) => keyId !== target)).toEqual([]);
    await expectSame(app, plain);
    const view = await getReencryption(app, { fleet, jobId });
    expect(view).toMatchObject({
      state: "done",
      targetKeyId: target,
      moved: 250,
      unchanged: 0,
      verified: 250,
    });
    expect(view).toMatchObject({ unreadable: 0, createdBy: actor, endedAt: expect.any(String) });
    expect(notices).toEqual([
      {
        event: "reencryption.ended",
        severity: "information",
        fleet,
        subject: jobId,
        measures: { moved: 250, verified: 250, unreadable: 0 },
      },
    ]);
    expect(await auditOf(app, "reencryption.started")).toMatchObject([{ actor, subject: jobId }]);
    expect(await auditOf(app, "reencryption.ended")).toMatchObject([{ actor: "system", reason: "done" }]);
    expect(await safekeep(app)).toMatchObject({ moved: 0, verified: 0, ended: 0 });
  });

  it("moves keys wrapped before it began though the wrapping key keeps its name, as an on-demand rotation leaves it", async () => {
    const { app, clock } = await openWorld();
    const plain = await putKeys(app, 5);
    const before = new Map((await storedKeys(app)).map((key) => [key.subject, key]));
    clock.advance(1_000);
    await startReencryption(app, { fleet, actor });
    expect(await safekeep(app)).toMatchObject({ moved: 5, verified: 5 });
    for (const key of await storedKeys(app)) {
      expect(key.keyId).toBe(before.get(key.subject)?.keyId);
      expect(Buffer.compare(key.wrapped, before.get(key.subject)?.wrapped ?? Buffer.alloc(0))).not.toBe(0);
    }
    await expectSame(app, plain);
  });

  it("moves keys of an older form of context", async () => {
    const { app, clock } = await openWorld();
    const named = { fleet, subject: "s-1", version: 1, contextVersion: 0 };
    const { plaintext, ...wrapped } = await app.wrappingKeys.generate(fleet, subjectKeyContext(named));
    const now = clock.now();
    const put = subjectKeyItem({ ...named, ...wrapped, createdAt: now, wrappedAt: now + 3_600_000 });
    await app.subjectKeys.transact([{ put, when: "absent" }]);
    await startReencryption(app, { fleet, actor });
    expect(await safekeep(app)).toMatchObject({ moved: 1, verified: 1 });
    expect(await storedKeys(app)).toMatchObject([{ contextVersion: 1 }]);
    await expectSame(app, new Map([["s-1", plaintext]]));
  });

  it("counts keys that were made meanwhile as unchanged", async () => {
    const { app, clock, jobId } = await rotatedWorld(3);
    clock.advance(1_000);
    await putKey(app, "s-late");
    await safekeep(app);
    expect(await getReencryption(app, { fleet, jobId })).toMatchObject({
      moved: 3,
      unchanged: 1,
      verified: 4,
    });
  });

  it("is one at a time, and stops when it is cancelled", async () => {
    const { app, jobId } = await rotatedWorld(3);
    await expect(startReencryption(app, { fleet, actor })).rejects.toMatchObject({
      code: "job_state_invalid",
      message: expect.stringContaining(jobId),
    });
    expect(await cancelReencryption(app, { fleet, jobId, actor })).toMatchObject({ state: "cancelled" });
    expect(await cancelReencryption(app, { fleet, jobId, actor })).toMatchObject({ state: "cancelled" });
    expect(await safekeep(app)).toMatchObject({ moved: 0, ended: 0 });
    expect(await auditOf(app, "reencryption.ended")).toMatchObject([{ actor, reason: "cancelled" }]);
    const next = await startReencryption(app, { fleet, actor });
    await safekeep(app);
    await expect(cancelReencryption(app, { fleet, jobId: next.reencryptionId, actor })).rejects.toMatchObject(
      { code: "job_state_invalid" },
    );
  });

  it("leaves other fleets alone, and is found in its own only", async () => {
    const { app, keys, clock } = await openWorld({ fleets: [fleet, "other"] });
    await putKeys(app, 4);
    const others = await putKeys(app, 4, "other");
    const before = await storedKeys(app, "other");
    clock.advance(1_000);
    keys.rotate(fleet);
    const { reencryptionId: jobId } = await startReencryption(app, { fleet, actor });
    expect(await safekeep(app)).toMatchObject({ moved: 4 });
    expect(await storedKeys(app, "other")).toEqual(before);
    await expectSame(app, others, "other");
    await expect(getReencryption(app, { fleet: "other", jobId })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(cancelReencryption(app, { fleet: "other", jobId, actor })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(getReencryption(app, { fleet, jobId: "../x" })).rejects.toMatchObject({ code: "not_found" });
  });

  it("follows the wrapping key when that is replaced under it", async () => {
    const { app, keys, plain, jobId } = await rotatedWorld(150);
    let calls = 0;
    keys.fault = () => {
      calls += 1;
      if (calls === 200) keys.rotate(fleet);
      return undefined;
    };
    await safekeep(app);
    const target = await app.wrappingKeys.keyOf(fleet);
    expect(await getReencryption(app, { fleet, jobId })).toMatchObject({
      state: "done",
      targetKeyId: target,
      verified: 150,
    });
    expect((await storedKeys(app)).every(({ keyId }) => keyId === target)).toBe(true);
    await expectSame(app, plain);
  });

  it("counts keys that no wrapping key opens, tells of them, and moves the rest", async () => {
    const { app, jobId, notices, plain } = await rotatedWorld(150);
    const key = (await storedKeys(app)).find(({ subject }) => subject === "s-7");
    if (key === undefined) expect.fail("no key");
    const wrapped = Uint8Array.from(key.wrapped, (octet, index) => (index === 20 ? octet ^ 1 : octet));
    const [{ version = 0 } = {}] = [await app.subjectKeys.get(subjectKeyKey(fleet, "s-7", 1))];
    await app.subjectKeys.transact([{ put: subjectKeyItem({ ...key, wrapped }), when: version }]);
    const views = await inShortRuns(app, jobId);
    expect(views.filter(({ state }) => state === "moving").map(({ unreadable }) => unreadable)).toContain(1);
    expect(views.at(-1)).toMatchObject({
      state: "done",
      moved: 149,
      verified: 149,
      unreadable: 1,
    });
    expect(notices).toMatchObject([{ event: "reencryption.unreadable", severity: "critical" }]);
    expect(await auditOf(app, "reencryption.ended")).toMatchObject([{ reason: "unreadable" }]);
    const left = (await storedKeys(app)).find(({ subject }) => subject === "s-7");
    expect(left?.keyId).toBe(key.keyId);
    expect(plain.size).toBe(150);
  });

  it("passes over tombstones, and reads pages that end early", async () => {
    const { app, clock } = await openWorld();
    const plain = new Map(await putKeys(app, 120));
    for (const subject of ["s-1", "s-50", "s-none"]) {
      await shredData(app, await decisionOf(app, { scope: "subject", subject }));
      plain.delete(subject);
    }
    const { subjectKeys } = app;
    const early: ItemStore = {
      get: (key) => subjectKeys.get(key),
      query: (query) => subjectKeys.query({ ...query, limit: 1 }),
      transact: (operations) => subjectKeys.transact(operations),
    };
    clock.advance(1_000);
    await startReencryption(app, { fleet, actor });
    expect(await safekeep({ ...app, subjectKeys: early })).toMatchObject({
      destroyed: 2,
      moved: 118,
      ended: 4,
    });
    await expectSame(app, plain);
  });

  it("lists the newest first, page by page", async () => {
    const { app, clock } = await openWorld();
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      clock.advance(1_000);
      ids.unshift((await startReencryption(app, { fleet, actor })).reencryptionId);
      await safekeep(app);
    }
    const first = await listReencryptions(app, { fleet, limit: 2 });
    expect(first.reencryptions.map(({ reencryptionId }) => reencryptionId)).toEqual(ids.slice(0, 2));
    const { cursor = "" } = first;
    const second = await listReencryptions(app, { fleet, limit: 2, cursor });
    expect(second).toMatchObject({ reencryptions: [{ reencryptionId: ids[2] }] });
    expect(second.cursor).toBeUndefined();
    for (const wrong of [{ limit: 0 }, { limit: 1_001 }, { limit: 1.5 }])
      await expect(listReencryptions(app, { fleet, ...wrong })).rejects.toMatchObject({
        code: "request_invalid",
      });
    await expect(listReencryptions(app, { fleet, limit: 2, cursor: "x" })).rejects.toMatchObject({
      code: "cursor_invalid",
    });
  });
});

describe("the time of a run", () => {
  it("is asked before each batch: what is left, the next run does", async () => {
    const { app, plain, jobId } = await rotatedWorld(450);
    const views = await inShortRuns(app, jobId);
    expect(views.length).toBeGreaterThan(3);
    expect(views.at(-1)).toMatchObject({ state: "done", moved: 450, verified: 450 });
    await expectSame(app, plain);
  });
});
