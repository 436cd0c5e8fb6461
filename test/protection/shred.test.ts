/** Room: test. Destructions: who may decide them, what goes, what stays, and what the certificate says. */
import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../core/access/operation.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { AppError } from "../../core/errors.ts";
import { startReencryption } from "../../core/protection/reencryption.ts";
import { safekeep } from "../../core/protection/safekeeping.ts";
import { getShred, listShreds, type ShredDecision, shredData } from "../../core/protection/shred.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { fleetTombstoneKey, subjectTombstoneKey } from "../../core/records/subject-key-record.ts";
import { protectionStandard } from "../../core/standard/protection.ts";
import {
  actor,
  auditOf,
  decisionOf,
  expectSame,
  fleet,
  openWorld,
  putKey,
  putKeys,
  storedKeys,
} from "./keeping-world.ts";

const day = 86_400_000;
const seconds = (time: number) => new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
const throttled = () => new AppError("key_service_unavailable", "throttled", { retryAfter: 1 });

describe("the destruction of a subject's keys", () => {
  it("takes all versions of its keys, leaves a tombstone, and touches nobody else", async () => {
    const { app, notices, started } = await openWorld();
    const others = await putKeys(app, 20);
    for (const version of [1, 2, 3]) await putKey(app, "patient.7", { version });
    // Ids that begin alike, or end in what looks like a key's own place.
    for (const subject of ["patient.70", "patient.7:KEY", "patient.7.KEY"])
      (others as Map<string, Buffer>).set(subject, await putKey(app, subject));
    const decision = await decisionOf(app, { scope: "subject", subject: "patient.7" });
    const view = await shredData(app, decision);
    expect(view).toMatchObject({ state: "decided", destroyed: 0, decidedBy: actor, subject: "patient.7" });
    expect(started).toEqual(["safekeep"]);
    // At once, not when the task comes.
    const stone = subjectTombstoneKey(fleet, "patient.7");
    expect((await app.subjectKeys.get(stone))?.attributes).toMatchObject({ shredId: view.shredId });
    expect(await safekeep(app)).toMatchObject({ destroyed: 3, ended: 1, failed: 0 });
    await expectSame(app, others);
    expect((await app.subjectKeys.get(stone))?.attributes).toMatchObject({ destroyed: 3 });
    expect(notices).toEqual([
      { event: "shred.done", severity: "critical", fleet, subject: view.shredId, measures: { destroyed: 3 } },
    ]);
    expect(await safekeep(app)).toMatchObject({ destroyed: 0, ended: 0 });
  });

  it("ends with a certificate in the audit log: what, who, from when on nobody can undo it, what it does not cover", async () => {
    const { app } = await openWorld({ fleetWrappedPurposes: ["exports", "billing"] });
    for (const version of [1, 2]) await putKey(app, "s-1", { version });
    const keyId = await app.wrappingKeys.keyOf(fleet);
    const decision = await decisionOf(app, { scope: "subject", subject: "s-1" });
    const { shredId } = await shredData(app, decision);
    await safekeep(app);
    const view = await getShred(app, { fleet, shredId });
    const { certificate = {}, certificateDigest } = view;
    expect(hash("sha256", canonicalJson(certificate))).toBe(certificateDigest);
    const destroyedAt = Date.parse(String(certificate["destroyedAt"]));
    const { clientCache, serviceCache } = protectionStandard;
    expect(certificate).toEqual({
      version: 1,
      shredId,
      fleet,
      scope: "subject",
      subject: "s-1",
      reason: "erasure-request",
      decidedAt: view.decidedAt,
      decidedBy: actor,
      approvalId: decision.approval.approvalId,
      unreadableFrom: expect.any(String),
      destroyedAt: seconds(destroyedAt),
      subjectKeys: 2,
      keys: [
        { version: 1, keyId },
        { version: 2, keyId },
      ],
      keyRecoveryEndsAt: seconds(destroyedAt + 7 * day),
      serviceCachesEndAt: seconds(destroyedAt + serviceCache.maximumAgeSeconds * 1_000),
      clientCachesEndAt: seconds(destroyedAt + clientCache.ageSeconds.maximum * 1_000),
      finalFrom: seconds(destroyedAt + 7 * day),
      notCovered: [
        "data of purposes while they were wrapped under the fleet's own key; at this time: billing, exports",
        "the subject's key where a backend with rights at the key service has kept it wrapped (subject-key.given)",
        "data that were moved to another subject (data.moved)",
        "what readers have copied in the clear, data or keys of data",
      ],
    });
    expect(await auditOf(app, "shred.decided")).toMatchObject([{ actor, subject: shredId }]);
    const entries = await auditOf(app, "shred.done");
    expect(entries).toMatchObject([{ actor: "system", subject: shredId, reason: certificateDigest }]);
    expect(hash("sha256", String(entries[0]?.["document"]))).toBe(certificateDigest);
  });

  it("is for a subject without keys too: none is ever made for it", async () => {
    const { app } = await openWorld();
    const { shredId } = await shredData(app, await decisionOf(app, { scope: "subject", subject: "s-9" }));
    expect(await safekeep(app)).toMatchObject({ destroyed: 0, ended: 1 });
    const view = await getShred(app, { fleet, shredId });
    expect(view).toMatchObject({ state: "done", destroyed: 0, certificate: { subjectKeys: 0, keys: [] } });
    expect(await app.subjectKeys.get(subjectTombstoneKey(fleet, "s-9"))).toBeDefined();
  });

  it("happens once: a second decision is refused, and its approval stays good", async () => {
    const { app } = await openWorld();
    await shredData(app, await decisionOf(app, { scope: "subject", subject: "s-1" }));
    const again = await decisionOf(app, { scope: "subject", subject: "s-1" });
    await expect(shredData(app, again)).rejects.toMatchObject({ code: "subject_shredded" });
    await safekeep(app);
    await expect(shredData(app, again)).rejects.toMatchObject({ code: "subject_shredded" });
    expect((await listShreds(app, { fleet, limit: 10 })).shreds).toHaveLength(1);
  });

  it("goes on when the store of subject keys failed at the decision: the task puts the tombstone", async () => {
    const { app, log } = await openWorld();
    await putKey(app, "s-1");
    let isDown = true;
    const subjectKeys = {
      ...app.subjectKeys,
      get: app.subjectKeys.get.bind(app.subjectKeys),
      query: app.subjectKeys.query.bind(app.subjectKeys),
      transact: (operations: Parameters<typeof app.subjectKeys.transact>[0]) =>
        isDown
          ? Promise.reject(new AppError("store_unavailable", "timed out"))
          : app.subjectKeys.transact(operations),
    };
    const failing = { ...app, subjectKeys };
    const decision = await decisionOf(app, { scope: "subject", subject: "s-1" });
    const { shredId } = await shredData(failing, decision);
    expect(log.map(({ event }) => event)).toContain("shred_not_marked");
    expect(await safekeep(failing)).toMatchObject({ failed: 1, destroyed: 0 });
    expect(await getShred(app, { fleet, shredId })).toMatchObject({ lastFailure: "store_unavailable" });
    isDown = false;
    expect(await safekeep(failing)).toMatchObject({ failed: 0, destroyed: 1, ended: 1 });
    expect((await getShred(app, { fleet, shredId })).lastFailure).toBeUndefined();
  });
});

describe("a decision that is none", () => {
  it.each<[string, ShredDecision["scope"], string | undefined, string]>([
    ["no subject", "subject", undefined, "request_invalid"],
    ["a subject with the whole fleet", "fleet", "s-1", "request_invalid"],
    ["a form that no subject has", "subject", "a b", "request_invalid"],
    ["a separator of keys", "subject", "s#KEY#0001", "request_invalid"],
    ["a number of a person", "subject", "123-45-6789", "name_not_permitted"],
  ])("%s", async (_, scope, subject, code) => {
    const { app } = await openWorld();
    const named = subject === undefined ? {} : { subject };
    const decision = await decisionOf(app, { scope, ...named });
    await expect(shredData(app, decision)).rejects.toMatchObject({ code });
    const message = await shredData(app, decision).catch(String);
    expect(message).not.toContain(subject ?? "no subject in it");
    expect((await listShreds(app, { fleet, limit: 10 })).shreds).toEqual([]);
  });

  it("an approval for another operation, or spent", async () => {
    const { app } = await openWorld();
    const what = { scope: "subject", subject: "s-1" } as const;
    const wrong = await decisionOf(app, what, { critical: "keyDestruction" });
    await expect(shredData(app, wrong)).rejects.toMatchObject({ code: "approval_mismatch" });
    const decision = await decisionOf(app, what);
    await shredData(app, decision);
    const other = { ...decision, subject: "s-2" };
    await expect(shredData(app, other)).rejects.toMatchObject({ code: "approval_spent" });
    expect(await app.subjectKeys.get(subjectTombstoneKey(fleet, "s-2"))).toBeUndefined();
  });

  it("another fleet's: its subjects of the same name stay, and it finds nothing of ours", async () => {
    const { app } = await openWorld({ fleets: [fleet, "other"] });
    await putKeys(app, 3);
    const others = await putKeys(app, 3, "other");
    const { shredId } = await shredData(app, await decisionOf(app, { scope: "subject", subject: "s-1" }));
    await safekeep(app);
    await expectSame(app, others, "other");
    await expect(getShred(app, { fleet: "other", shredId })).rejects.toMatchObject({ code: "not_found" });
    expect((await listShreds(app, { fleet: "other", limit: 10 })).shreds).toEqual([]);
    await expect(getShred(app, { fleet, shredId: "x" })).rejects.toMatchObject({ code: "not_found" });
    await expect(listShreds(app, { fleet, limit: 0 })).rejects.toMatchObject({ code: "request_invalid" });
    await expect(listShreds(app, { fleet, limit: 1, cursor: "#" })).rejects.toMatchObject({
      code: "cursor_invalid",
    });
  });
});

describe("the destruction of a fleet's keys", () => {
  it("takes every subject key and the wrapping keys, and stops re-encryptions", async () => {
    const { app, keys, notices } = await openWorld({ fleets: [fleet, "other"] });
    await putKeys(app, 230);
    const others = await putKeys(app, 10, "other");
    await startReencryption(app, { fleet, actor });
    const { shredId } = await shredData(app, await decisionOf(app, { scope: "fleet" }));
    expect((await getFleet(app, fleet)).record.dataShreddedAt).toBeGreaterThan(0);
    expect(await app.subjectKeys.get(fleetTombstoneKey(fleet))).toBeDefined();
    expect(await safekeep(app)).toMatchObject({ destroyed: 230, moved: 0, failed: 0 });
    expect(await storedKeys(app)).toEqual([]);
    const view = await getShred(app, { fleet, shredId });
    const goneAt = seconds(keys.deletions.get(fleet) ?? 0);
    expect(view).toMatchObject({
      state: "done",
      destroyed: 230,
      certificate: { subjectKeys: 230, wrappingKeysGoneAt: goneAt },
    });
    expect(Date.parse(String(view.certificate?.["finalFrom"]))).toBeGreaterThanOrEqual(Date.parse(goneAt));
    expect(view.certificate?.["notCovered"]).toEqual([
      "what readers have copied in the clear, data or keys of data",
    ]);
    expect(notices.filter(({ event }) => event === "shred.done")).toHaveLength(1);
    expect(await auditOf(app, "reencryption.ended")).toMatchObject([{ reason: "shredded" }]);
    await expectSame(app, others, "other");
    await expect(startReencryption(app, { fleet, actor })).rejects.toMatchObject({
      code: "subject_shredded",
    });
    for (const what of [{ scope: "fleet" as const }, { scope: "subject" as const, subject: "s-1" }])
      await expect(shredData(app, await decisionOf(app, what))).rejects.toMatchObject({
        code: "subject_shredded",
      });
  });

  it("is decided though the fleet's record changes at the same moment, and keeps that change", async () => {
    const { app } = await openWorld();
    const decision = await decisionOf(app, { scope: "fleet" });
    const { record, version } = await getFleet(app, fleet);
    await app.items.transact([{ put: fleetItem({ ...record, state: "suspended" }), when: version }]);
    await shredData(app, decision);
    expect((await getFleet(app, fleet)).record).toMatchObject({
      state: "suspended",
      dataShreddedAt: expect.any(Number),
    });
  });

  it("destroys subject keys though the key service does not answer, and is not done before it does", async () => {
    const { app, keys, notices } = await openWorld();
    await putKeys(app, 5);
    const { shredId } = await shredData(app, await decisionOf(app, { scope: "fleet" }));
    keys.fault = throttled;
    for (let run = 1; run <= 3; run += 1) expect(await safekeep(app)).toMatchObject({ failed: 1 });
    expect(await storedKeys(app)).toEqual([]);
    const stalled = await getShred(app, { fleet, shredId });
    expect(stalled).toMatchObject({ state: "decided", lastFailure: "key_service_unavailable", destroyed: 5 });
    expect(notices).toMatchObject([{ event: "shred.stalled", severity: "critical" }]);
    keys.fault = () => undefined;
    expect(await safekeep(app)).toMatchObject({ ended: 1, failed: 0 });
    expect(await getShred(app, { fleet, shredId })).toMatchObject({ state: "done", destroyed: 5 });
  });
});
