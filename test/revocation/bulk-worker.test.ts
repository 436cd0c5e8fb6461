/** Room: test. Workers of bulk revocation that are killed, that race one another, and the world that goes on meanwhile. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { AppError } from "../../core/errors.ts";
import type { App, ItemStore, RevocationApp } from "../../core/ports.ts";
import { acknowledgementItem } from "../../core/records/acknowledgement-record.ts";
import { type CertificateRecord, certificateItem } from "../../core/records/certificate-record.ts";
import { revocationEntryKey } from "../../core/records/revocation-entry.ts";
import { getRevocationJob, previewRevocation } from "../../core/revocation/bulk.ts";
import { continueJobs } from "../../core/revocation/bulk-worker.ts";
import { release, revoke } from "../../core/revocation/revoke.ts";
import { deviceOf } from "../lambdas/fleet-callers.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { faultyStore, type StoreFault } from "../support/faulty-store.ts";
import { testFleet } from "../support/fleet-app.ts";
import {
  actor,
  auditOf,
  type BulkFleet,
  certificateOf,
  continueOnce,
  day,
  execute,
  forever,
  openBulkFleet,
  preview,
  put,
  stored,
} from "./bulk-fleet.ts";

let fleet: BulkFleet;
beforeEach(async () => {
  fleet = await openBulkFleet();
});
afterEach(() => fleet.close());

const view = (jobId: string) => getRevocationJob(fleet.app, { fleet: testFleet, jobId });

/** Fixed, so that a failure can be had again. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The app of a worker that dies before or after its n-th call of the store: nothing of it is heard again. */
function mortal(app: App & RevocationApp, calls: number, after: boolean) {
  let left = calls;
  let die = () => {};
  const death = new Promise<"killed">((resolve) => {
    die = () => resolve("killed");
  });
  const never = new Promise<never>(() => {});
  async function guarded<Value>(call: () => Promise<Value>): Promise<Value> {
    if (left === 0) return never;
    left -= 1;
    if (left > 0) return call();
    // Its last call may fail: it does not live to see that either.
    if (after) await Promise.allSettled([call()]);
    die();
    return never;
  }
  const items: ItemStore = {
    get: (key) => guarded(() => app.items.get(key)),
    query: (query) => guarded(() => app.items.query(query)),
    transact: (operations) => guarded(() => app.items.transact(operations)),
  };
  return { app: { ...app, items }, death };
}

interface Deaths {
  readonly maximum: number;
  kills: number;
}

/** A worker that is started again whenever it is killed, until a run has nothing left to do. */
async function workAndDie(deaths: Deaths, random: (below: number) => number): Promise<void> {
  for (;;) {
    const isLast = deaths.kills >= deaths.maximum;
    const worker = mortal(fleet.app, isLast ? forever : 1 + random(8), random(2) === 0);
    const outcome = await Promise.race([continueJobs(worker.app, { until: forever }), worker.death]);
    if (outcome !== "killed") {
      expect(outcome).toMatchObject({ failed: 0, open: 0 });
      return;
    }
    deaths.kills += 1;
  }
}

/** Entries of the audit log a serial number. */
async function revocationsOf(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { subject } of await auditOf(fleet.app, "certificate.revoked"))
    counts.set(String(subject), (counts.get(String(subject)) ?? 0) + 1);
  return counts;
}

const entryOf = (record: CertificateRecord) =>
  fleet.app.items.get(revocationEntryKey({ ...record, crlShard: record.crlShard ?? "" }));

describe("2,000 certificates, two workers at once that are killed ten times", () => {
  it.each([1, 2, 3])(
    "exactly those that match are revoked, each once, and the counts are exact (%i)",
    async (seed) => {
      const { app, clock } = fleet;
      const random = randomOf(seed);
      const records = Array.from({ length: 2_000 }, () =>
        certificateOf(app, {
          authorityId: `issuing-${random(2)}`,
          subjectId: `pump-${random(300)}`,
          notAfter: clock.now() + (random(10) === 0 ? -1 : 1) * day,
          ...(random(10) === 0
            ? { state: "revoked", revocationReason: "superseded", revokedAt: clock.now(), revokedBy: actor }
            : {}),
        }),
      );
      await put(app, records);
      const criteria = { authorityId: "issuing-0" };
      const { jobId } = await previewRevocation(app, {
        fleet: testFleet,
        actor,
        criteria,
        reason: "keyCompromise",
      });
      const counting: Deaths = { maximum: 4, kills: 0 };
      await Promise.all([workAndDie(counting, random), workAndDie(counting, random)]);
      const matching = records.filter(
        (each) => each.authorityId === "issuing-0" && each.notAfter > clock.now(),
      );
      const revocable = matching.filter(({ state }) => state === "issued");
      const unchanged = matching.length - revocable.length;
      // The two authorities are read too, and never match.
      const read = records.length + 2;
      expect(await view(jobId)).toMatchObject({ matched: matching.length, unchanged, progress: { read } });
      clock.advance(1_000);
      const late = certificateOf(app, { ...criteria, issuedAt: clock.now() });
      await put(app, [late]);
      await execute(app, jobId);
      const deaths: Deaths = { maximum: 10, kills: 0 };
      await Promise.all([workAndDie(deaths, random), workAndDie(deaths, random)]);
      expect(deaths.kills).toBeGreaterThanOrEqual(10);
      expect(await view(jobId)).toMatchObject({
        state: "done",
        matched: matching.length,
        revoked: revocable.length,
        unchanged,
        progress: { read, of: read },
      });
      const revoked = await revocationsOf();
      expect([...revoked.keys()].sort()).toEqual(revocable.map(({ serialNumber }) => serialNumber).sort());
      expect(new Set(revoked.values())).toEqual(new Set([1]));
      const wanted = new Set(revocable.map(({ serialNumber }) => serialNumber));
      for (const record of (await stored(app)).values()) {
        const own = record.revokedBy === `revocation-job:${jobId}`;
        expect(own).toBe(wanted.has(record.serialNumber));
        expect((await entryOf(record)) !== undefined).toBe(own);
      }
      expect((await stored(app)).get(late.serialNumber)).toMatchObject({ state: "issued" });
      expect(await auditOf(app, "revocation-job.ended")).toHaveLength(1);
    },
    120_000,
  );
});

describe("a walk that somebody else goes on with", () => {
  it("a worker that was asleep for three batches of another's begins where that one ended", async () => {
    const { app } = fleet;
    await put(
      app,
      Array.from({ length: 150 }, () => certificateOf(app)),
    );
    const jobId = await preview(app, { authorityId: "issuing-1" });
    await execute(app, jobId);
    let asleep = true;
    const items: ItemStore = {
      get: (key) => app.items.get(key),
      query: (query) => app.items.query(query),
      async transact(operations) {
        if (asleep) {
          asleep = false;
          await continueOnce(fleet, 3);
        }
        await app.items.transact(operations);
      },
    };
    expect(await continueJobs({ ...app, items }, { until: forever })).toMatchObject({ revoked: 75 });
    const { read } = (await view(jobId)).progress;
    expect(await view(jobId)).toMatchObject({ state: "done", revoked: 150, unchanged: 0 });
    expect((await view(jobId)).progress).toEqual({ read, of: read });
  });

  it("over the devices of a firmware: a run may end at any place between two devices", async () => {
    const { app } = fleet;
    const label = "4.2.0";
    const ids = Array.from({ length: 600 }, (_, index) => `pump-${String(index).padStart(3, "0")}`);
    for (let first = 0; first < ids.length; first += 100) {
      const some = ids.slice(first, first + 100).map((id) => {
        const said = { fleet: testFleet, kind: "device", id, version: 1, firmware: label, at: 1 } as const;
        return { put: acknowledgementItem(said), when: "absent" as const };
      });
      await app.items.transact(some);
    }
    await put(
      app,
      ids.map((subjectId) => certificateOf(app, { subjectId })),
    );
    const request = { fleet: testFleet, actor, criteria: { firmware: label }, reason: "superseded" } as const;
    const { jobId } = await previewRevocation(app, request);
    await continueOnce(fleet);
    expect(await view(jobId)).toMatchObject({ state: "counting", matched: 500, progress: { read: 500 } });
    await continueOnce(fleet);
    expect(await view(jobId)).toMatchObject({ state: "counted", matched: 600, progress: { read: 600 } });
  });
});

describe("the world goes on meanwhile", () => {
  it("single revocations, holds, releases and renewals: none is lost, and the counts are exact", async () => {
    const { app, clock } = fleet;
    const device = await deviceOf(app, testFleet, "pump-renewing");
    const { serialNumber: renewing } = device;
    const authorityId = (await stored(app)).get(renewing)?.authorityId ?? "";
    const records = Array.from({ length: 400 }, () => certificateOf(app, { authorityId }));
    await put(app, records);
    clock.advance(1_000);
    const before = (await stored(app)).size;
    const jobId = await preview(app, { authorityId });
    const { matched } = await view(jobId);
    await execute(app, jobId);
    const client = await authenticateClientCertificate(app, device);
    const others = records.filter((_, index) => index % 4 === 0);
    const single = others.map(async ({ serialNumber }, index) => {
      const name = { fleet: testFleet, serialNumber, actor };
      const reason = index % 2 === 0 ? "superseded" : "certificateHold";
      const [held] = await Promise.allSettled([revoke(app, { ...name, reason })]);
      if (reason === "superseded") return held?.status === "fulfilled" ? serialNumber : undefined;
      await Promise.allSettled([release(app, name)]);
      return undefined;
    });
    const renewals = Array.from({ length: 3 }, () =>
      renew(app, { fleet: testFleet, client, csr: deviceCsr(deviceKey()) }),
    );
    const [, ...outcomes] = await Promise.all([
      continueJobs(app, { until: forever }),
      ...single,
      Promise.allSettled(renewals),
    ]);
    await continueJobs(app, { until: forever });
    const after = await stored(app);
    for (const record of records) expect(after.get(record.serialNumber)?.state).toBe("revoked");
    expect(after.get(renewing)?.state).toBe("revoked");
    const bySingle = outcomes.filter((outcome) => typeof outcome === "string");
    const byJob = [...after.values()].filter(({ revokedBy }) => revokedBy === `revocation-job:${jobId}`);
    const done = await view(jobId);
    expect(done).toMatchObject({ state: "done", matched, revoked: byJob.length });
    expect(done.revoked + done.unchanged).toBe(matched);
    expect(done.unchanged).toBeLessThanOrEqual(bySingle.length);
    // What was renewed before the job came by is a successor, issued after the preview.
    const issued = [...after.values()].filter(({ state }) => state === "issued");
    expect(issued.filter(({ subjectKind }) => subjectKind !== "authority")).toHaveLength(after.size - before);
  }, 60_000);

  it("a certificate that changes at every attempt holds up its batch until the time is over, and no other job", async () => {
    const { app, clock } = fleet;
    const restless = certificateOf(app, { authorityId: "issuing-restless" });
    await put(app, [restless, certificateOf(app, { authorityId: "issuing-calm" })]);
    const jobs = [
      await preview(app, { authorityId: "issuing-restless" }),
      await preview(app, { authorityId: "issuing-calm" }),
    ];
    for (const jobId of jobs) await execute(app, jobId);
    let version = 1;
    const items: ItemStore = {
      get: (key) => app.items.get(key),
      query: (query) => app.items.query(query),
      async transact(operations) {
        const touches = operations.some(
          (each) =>
            "put" in each && each.put.pk.endsWith(restless.serialNumber) && each.put.sk === "CERTIFICATE",
        );
        if (touches) {
          clock.advance(10_000);
          await app.items.transact([
            { put: certificateItem({ ...restless, renewals: version }), when: version },
          ]);
          version += 1;
        }
        await app.items.transact(operations);
      },
    };
    const until = clock.now() + 45_000;
    expect(await continueJobs({ ...app, items }, { until })).toMatchObject({ failed: 1, open: 2 });
    expect(version).toBeGreaterThan(4);
    expect(await continueJobs(app, { until: forever })).toMatchObject({ ended: 2, revoked: 2, open: 0 });
  });

  it("a device that changes its firmware on the way is met or not, and nothing is counted twice", async () => {
    const { app } = fleet;
    const label = "4.2.0";
    const ids = Array.from({ length: 90 }, (_, index) => `pump-${String(index).padStart(3, "0")}`);
    const runs = (id: string, firmware: string) =>
      acknowledgementItem({ fleet: testFleet, kind: "device", id, version: 1, firmware, at: 1 });
    await app.items.transact(ids.map((id) => ({ put: runs(id, label), when: "absent" as const })));
    await put(
      app,
      ids.flatMap((subjectId) => [1, 2].map(() => certificateOf(app, { subjectId }))),
    );
    await put(app, [certificateOf(app, { subjectId: "pump-999" })]);
    const jobId = await preview(app, { firmware: label });
    expect(await view(jobId)).toMatchObject({ matched: 180, progress: { read: 180 } });
    await execute(app, jobId);
    const deaths: Deaths = { maximum: 5, kills: 0 };
    const work = Promise.all([1, 2].map((seed) => workAndDie(deaths, randomOf(seed))));
    for (const id of ids.filter((_, index) => index % 9 === 0))
      await app.items.transact([{ put: runs(id, "4.3.0"), when: 1 }]);
    await work;
    const { revoked, unchanged } = await view(jobId);
    const counts = await revocationsOf();
    expect(new Set(counts.values())).toEqual(new Set([1]));
    expect([counts.size, unchanged]).toEqual([revoked, 0]);
    expect(revoked).toBeGreaterThanOrEqual(160);
  }, 60_000);
});

describe("a store that fails", () => {
  it("now before and now after it has written: the next runs go on, and every certificate is counted once", async () => {
    const { app } = fleet;
    await put(
      app,
      Array.from({ length: 200 }, () => certificateOf(app)),
    );
    const jobId = await preview(app, { authorityId: "issuing-1" });
    await execute(app, jobId);
    const random = randomOf(7);
    const faults: readonly StoreFault[] = ["none", "unavailable", "committedThenUnavailable"];
    const items = faultyStore(app.items, () => faults[random(3)] ?? "none");
    let failed = 0;
    for (let open = 1; open > 0; ) {
      const report = await continueJobs({ ...app, items }, { until: forever });
      failed += report.failed;
      open = report.open;
    }
    expect(failed).toBeGreaterThan(2);
    expect(await view(jobId)).toMatchObject({ state: "done", matched: 200, revoked: 200, unchanged: 0 });
    expect((await revocationsOf()).size).toBe(200);
    const errors = fleet.log.filter(({ event }) => event === "revocation_job_failed");
    expect(errors).toHaveLength(failed);
  });

  it("for one job: the others go on", async () => {
    const { app } = fleet;
    await put(app, [certificateOf(app), certificateOf(app, { authorityId: "issuing-2" })]);
    const [first, second] = [
      await preview(app, { authorityId: "issuing-1" }),
      await preview(app, { authorityId: "issuing-2" }),
    ];
    for (const jobId of [first, second]) await execute(app, jobId);
    const items: ItemStore = {
      get: (key) => app.items.get(key),
      query: (query) => app.items.query(query),
      transact: (operations) =>
        operations.some((each) => "put" in each && each.put.sk === first)
          ? Promise.reject(new AppError("store_unavailable", "timed out"))
          : app.items.transact(operations),
    };
    expect(await continueJobs({ ...app, items }, { until: forever })).toMatchObject({ failed: 1, ended: 1 });
    expect(await view(first)).toMatchObject({ state: "revoking" });
    expect(await view(second)).toMatchObject({ state: "done" });
  });
});
