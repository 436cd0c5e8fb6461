/** Room: test. A bulk revocation as people see it: counted, approved by two, executed, cancelled, listed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import {
  cancelRevocation,
  executeRevocation,
  getRevocationJob,
  listRevocationJobs,
  previewRevocation,
} from "../../core/revocation/bulk.ts";
import { continueJobs } from "../../core/revocation/bulk-worker.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { codeOf } from "../support/errors.ts";
import { addFleet, testFleet } from "../support/fleet-app.ts";
import {
  actor,
  approvalOf,
  auditOf,
  type BulkFleet,
  callerOf,
  certificateOf,
  continueOnce,
  execute,
  executionOf,
  forever,
  openBulkFleet,
  preview,
  put,
  redeem,
  stored,
} from "./bulk-fleet.ts";

const hour = 3_600_000;
let fleet: BulkFleet;
let authorities = 0;
beforeAll(async () => {
  fleet = await openBulkFleet();
});
afterAll(() => fleet.close());

/** So many certificates of an authority that no other test knows. */
async function certificates(count: number) {
  authorities += 1;
  const authorityId = `issuing-${authorities}`;
  const records = Array.from({ length: count }, () => certificateOf(fleet.app, { authorityId }));
  await put(fleet.app, records);
  return { criteria: { authorityId }, records };
}

const view = (jobId: string) => getRevocationJob(fleet.app, { fleet: testFleet, jobId });
const begin = (criteria: { readonly authorityId: string }) =>
  previewRevocation(fleet.app, { fleet: testFleet, actor, criteria, reason: "keyCompromise" });
const cancel = (jobId: string) => cancelRevocation(fleet.app, { fleet: testFleet, actor, jobId });
const statesOf = async (records: readonly { readonly serialNumber: string }[]) => {
  const all = await stored(fleet.app);
  return records.map(({ serialNumber }) => all.get(serialNumber)?.state);
};
const revokedOf = async (records: readonly { readonly serialNumber: string }[]) =>
  (await statesOf(records)).filter((state) => state === "revoked").length;

describe("the way of a job", () => {
  it("counting, counted, revoking, done; each act has its audit entry, and tasks are woken", async () => {
    const { app, started } = fleet;
    const { criteria, records } = await certificates(60);
    started.length = 0;
    const { jobId, ...job } = await begin(criteria);
    expect(job).toMatchObject({ state: "counting", criteria, matched: 0, createdBy: actor });
    expect(jobId).toMatch(/^[0-9a-f]{32}$/);
    expect(await continueJobs(app, { until: forever })).toMatchObject({ ended: 1, open: 0, revoked: 0 });
    expect(await view(jobId)).toMatchObject({ state: "counted", matched: 60, revoked: 0, unchanged: 0 });
    expect(await revokedOf(records)).toBe(0);
    expect(started).toEqual(["maintain"]);
    expect(await execute(app, jobId)).toMatchObject({ state: "revoking", matched: 60, startedBy: actor });
    expect(await continueJobs(app, { until: forever })).toMatchObject({ ended: 1, open: 0, revoked: 60 });
    expect(await view(jobId)).toMatchObject({ state: "done", matched: 60, revoked: 60, unchanged: 0 });
    expect(await revokedOf(records)).toBe(60);
    expect(started.slice(0, 2)).toEqual(["maintain", "maintain"]);
    expect(started.at(-1)).toBe("publish");
    for (const [action, by] of [
      ["created", actor],
      ["started", actor],
      ["ended", `revocation-job:${jobId}`],
    ]) {
      const entries = await auditOf(app, `revocation-job.${action}`);
      expect(entries.filter(({ subject }) => subject === jobId)).toMatchObject([{ actor: by }]);
    }
    expect(await continueJobs(app, { until: forever })).toEqual({
      ended: 0,
      failed: 0,
      open: 0,
      read: 0,
      revoked: 0,
    });
  });

  it("a hold becomes final and keeps its date; what is revoked already, or over by now, is unchanged", async () => {
    const { app, clock } = fleet;
    const { criteria, records } = await certificates(3);
    const [held, final, active] = records.map(({ serialNumber }) => serialNumber);
    const name = { fleet: testFleet, actor };
    await revoke(app, { ...name, serialNumber: held ?? "", reason: "certificateHold" });
    await revoke(app, { ...name, serialNumber: final ?? "", reason: "superseded" });
    await put(app, [certificateOf(app, { ...criteria, notAfter: clock.now() + hour })]);
    const heldAt = (await stored(app)).get(held ?? "")?.revokedAt;
    const jobId = await preview(app, criteria);
    expect(await view(jobId)).toMatchObject({ matched: 4, unchanged: 1 });
    clock.advance(2 * hour);
    await execute(app, jobId);
    await continueJobs(app, { until: forever });
    expect(await view(jobId)).toMatchObject({ matched: 4, revoked: 2, unchanged: 2 });
    const after = await stored(app);
    expect(after.get(held ?? "")).toMatchObject({ revocationReason: "keyCompromise", revokedAt: heldAt });
    expect(after.get(final ?? "")).toMatchObject({ revocationReason: "superseded" });
    expect(after.get(active ?? "")).toMatchObject({ revocationReason: "keyCompromise" });
  });

  it("goes on when the fleet is suspended, and when a task cannot be started", async () => {
    const other = await openBulkFleet();
    const start = () => Promise.reject(new AppError("task_unavailable", "no"));
    const app = { ...other.app, tasks: { start } };
    await put(app, [certificateOf(app)]);
    const jobId = await preview(app, { authorityId: "issuing-1" });
    const { record, version } = other.fleet;
    await app.items.transact([{ put: fleetItem({ ...record, state: "suspended" }), when: version }]);
    await execute(app, jobId);
    expect(await continueJobs(app, { until: forever })).toMatchObject({ revoked: 1 });
    const warned = other.log.filter(({ event }) => event === "task_not_started");
    expect(warned.map(({ fields }) => fields["task"])).toEqual(["maintain", "maintain", "publish"]);
    await other.close();
  });

  it("takes turns with others: a short one does not wait for a long one", async () => {
    const { app } = fleet;
    const [long, short] = [await certificates(200), await certificates(3)];
    const jobs = [await preview(app, long.criteria), await preview(app, short.criteria)];
    for (const jobId of jobs) await execute(app, jobId);
    const until = app.clock.now();
    expect(await continueJobs(app, { until })).toMatchObject({ open: 2, read: 0 });
    await continueOnce(fleet, 3);
    expect(await view(jobs[0] ?? "")).toMatchObject({ state: "revoking", revoked: 50 });
    expect(await view(jobs[1] ?? "")).toMatchObject({ state: "done", revoked: 3 });
    await continueJobs(app, { until: forever });
    expect(await view(jobs[0] ?? "")).toMatchObject({ state: "done", revoked: 200 });
  });
});

describe("an execution is refused", () => {
  it("without an approval, with one for another job, and with one for another kind of operation", async () => {
    const { app } = fleet;
    const { criteria, records } = await certificates(1);
    const [jobId, other] = [await preview(app, criteria), await preview(app, criteria)];
    expect(await codeOf(redeem(app, jobId, undefined))).toBe("approval_required");
    expect(await codeOf(redeem(app, jobId, await approvalOf(app, other)))).toBe("approval_mismatch");
    const suspension = await approvalOf(app, jobId, "fleetSuspension");
    expect(await codeOf(redeem(app, jobId, suspension))).toBe("approval_mismatch");
    const approval = await redeem(app, jobId, suspension, "fleetSuspension");
    const caller = await callerOf(app);
    const misled = executeRevocation(app, { fleet: testFleet, jobId, caller, certificates: 1, approval });
    expect(await codeOf(misled)).toBe("approval_mismatch");
    expect(await view(jobId)).toMatchObject({ state: "counted" });
    expect(await statesOf(records)).toEqual(["issued"]);
  });

  it("while it counts, and more than 24 h after the count; the approval is still good then", async () => {
    const { app, clock } = fleet;
    const { criteria } = await certificates(1);
    const { jobId } = await begin(criteria);
    expect(await codeOf(execute(app, jobId))).toBe("job_state_invalid");
    await continueJobs(app, { until: forever });
    clock.advance(24 * hour + 60_000);
    const approvalId = await approvalOf(app, jobId);
    const late = executeRevocation(app, await executionOf(app, jobId, approvalId));
    await expect(late).rejects.toThrow("the count is 24 h old, limit 24 h; preview the revocation anew");
    expect(await codeOf(late)).toBe("job_state_invalid");
    await redeem(app, jobId, approvalId);
    expect(await continueJobs(app, { until: forever })).toMatchObject({ read: 0 });
  });

  it("a second time, whether with the same approval or another, at once or later", async () => {
    const { app } = fleet;
    const { criteria } = await certificates(1);
    const jobId = await preview(app, criteria);
    const [first, second] = [await approvalOf(app, jobId), await approvalOf(app, jobId)];
    const requests = [await executionOf(app, jobId, first), await executionOf(app, jobId, second)];
    const both = await Promise.allSettled(requests.map((each) => executeRevocation(app, each)));
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const lost = both.findIndex(({ status }) => status === "rejected");
    const codes = [0, 1].map((index) => (index === lost ? "job_state_invalid" : "approval_spent"));
    const again = requests.map((each) => codeOf(executeRevocation(app, each)));
    // The state is looked at first, so that an approval is never spent on nothing.
    expect(await Promise.all(again)).toEqual(["job_state_invalid", "job_state_invalid"]);
    const redeemed = await Promise.allSettled([redeem(app, jobId, first), redeem(app, jobId, second)]);
    expect(redeemed.map(({ status }) => status)).toEqual(
      codes.map((code) => (code === "approval_spent" ? "rejected" : "fulfilled")),
    );
  });

  it("of another number than the job has counted; the approval is still good then", async () => {
    const { app } = fleet;
    const { criteria, records } = await certificates(3);
    const [revoked] = records.map(({ serialNumber }) => serialNumber);
    const name = { fleet: testFleet, actor };
    await revoke(app, { ...name, serialNumber: revoked ?? "", reason: "superseded" });
    const jobId = await preview(app, criteria);
    const request = await executionOf(app, jobId, await approvalOf(app, jobId));
    for (const certificates of [0, 1, 3, 2.5]) {
      const other = executeRevocation(app, { ...request, certificates });
      await expect(other).rejects.toThrow(
        `certificates ${certificates} is not the 2 that the job has counted; read the job again`,
      );
      expect(await codeOf(other)).toBe("request_invalid");
    }
    expect(await executeRevocation(app, request)).toMatchObject({
      state: "revoking",
      toRevoke: { certificates: 2 },
    });
    await continueJobs(app, { until: forever });
    expect(await view(jobId)).toMatchObject({ state: "done", matched: 3, revoked: 2, unchanged: 1 });
  });

  it("of another fleet's job: it is not found, nor shown, nor cancelled there", async () => {
    const { app } = fleet;
    const { criteria } = await certificates(1);
    const jobId = await preview(app, criteria);
    const fleetState = await addFleet(app, "ward");
    const own = await executionOf(app, jobId, await approvalOf(app, jobId));
    const caller = { ...own.caller, fleet: "ward", fleetState };
    const foreign = { fleet: "ward", jobId };
    expect(await codeOf(executeRevocation(app, { ...own, ...foreign, caller }))).toBe("not_found");
    expect(await codeOf(getRevocationJob(app, foreign))).toBe("not_found");
    expect(await codeOf(cancelRevocation(app, { ...foreign, actor }))).toBe("not_found");
    expect((await listRevocationJobs(app, { fleet: "ward", limit: 10 })).revocations).toEqual([]);
    const mixed = executeRevocation(app, { ...own, caller });
    expect(await codeOf(mixed)).toBe("approval_mismatch");
    for (const other of ["", "x", "0".repeat(32), `${jobId}0`])
      expect(await codeOf(getRevocationJob(app, { fleet: testFleet, jobId: other }))).toBe("not_found");
  });
});

describe("more to revoke than was approved", () => {
  it("stops the job before the batch that goes beyond; what is revoked is never more than the approved number", async () => {
    const { app } = fleet;
    const { criteria, records } = await certificates(60);
    const jobId = await preview(app, criteria);
    // As when an index lags: issued before the count, and seen by the execution alone.
    await put(
      app,
      Array.from({ length: 5 }, () => certificateOf(app, criteria)),
    );
    await execute(app, jobId);
    expect(await continueJobs(app, { until: forever })).toMatchObject({ ended: 1, open: 0, failed: 0 });
    const stopped = await view(jobId);
    expect(stopped).toMatchObject({ state: "stopped", revoked: 50, toRevoke: { certificates: 60 } });
    expect(stopped.endedAt).toBeDefined();
    const byJob = [...(await stored(app)).values()].filter(
      ({ revokedBy }) => revokedBy === `revocation-job:${jobId}`,
    );
    expect(byJob).toHaveLength(50);
    expect(await revokedOf(records)).toBeLessThanOrEqual(50);
    const ends = await auditOf(app, "revocation-job.ended");
    expect(ends.filter(({ subject }) => subject === jobId)).toMatchObject([{ reason: "stopped" }]);
    expect(await continueJobs(app, { until: forever })).toMatchObject({ read: 0 });
    expect(await codeOf(cancel(jobId))).toBe("job_state_invalid");
    expect(await codeOf(execute(app, jobId))).toBe("job_state_invalid");
    // Counted anew, the rest is approved as it is.
    const again = await preview(app, criteria);
    expect(await view(again)).toMatchObject({ matched: 65, toRevoke: { certificates: 15 } });
    await execute(app, again);
    await continueJobs(app, { until: forever });
    expect(await view(again)).toMatchObject({ state: "done", revoked: 15 });
  });
});

describe("a cancellation", () => {
  it("in the middle: what is revoked stays revoked, the rest is left alone, and the answer says how many", async () => {
    const { app } = fleet;
    const { criteria, records } = await certificates(80);
    const jobId = await preview(app, criteria);
    await execute(app, jobId);
    await continueOnce(fleet);
    expect(await cancel(jobId)).toMatchObject({ state: "cancelled", matched: 80, revoked: 25 });
    expect(await cancel(jobId)).toMatchObject({ state: "cancelled", revoked: 25 });
    expect(await continueJobs(app, { until: forever })).toMatchObject({ open: 0, read: 0 });
    expect(await revokedOf(records)).toBe(25);
    const entries = await auditOf(app, "revocation-job.ended");
    const own = entries.filter(({ subject }) => subject === jobId);
    expect(own).toMatchObject([{ actor, reason: "cancelled" }]);
  });

  it("beside a worker stops it within a batch, and its counts are exact", async () => {
    const { app } = fleet;
    const { criteria, records } = await certificates(400);
    const jobId = await preview(app, criteria);
    await execute(app, jobId);
    const work = continueJobs(app, { until: forever });
    while ((await view(jobId)).revoked === 0) await app.clock.sleep(0);
    const cancelled = await cancel(jobId);
    expect(await work).toMatchObject({ open: 0, failed: 0 });
    expect(await revokedOf(records)).toBe(cancelled.revoked);
    expect(await view(jobId)).toEqual(cancelled);
  });

  it("of what is counting or counted: it cannot be executed any more; of what is done: refused", async () => {
    const { app } = fleet;
    const { criteria } = await certificates(1);
    const counting = (await begin(criteria)).jobId;
    expect(await cancel(counting)).toMatchObject({ state: "cancelled", revoked: 0 });
    const counted = await preview(app, criteria);
    await cancel(counted);
    for (const jobId of [counting, counted])
      expect(await codeOf(execute(app, jobId))).toBe("job_state_invalid");
    const done = await preview(app, criteria);
    await execute(app, done);
    await continueJobs(app, { until: forever });
    expect(await codeOf(cancel(done))).toBe("job_state_invalid");
  });
});

describe("the list of jobs", () => {
  it("is newest first, page by page, and refuses other cursors and limits", async () => {
    const other = await openBulkFleet();
    const { app, clock } = other;
    const ids: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      clock.advance(1_000);
      const request = {
        fleet: testFleet,
        actor,
        criteria: { profile: "device" },
        reason: "superseded",
      } as const;
      ids.unshift((await previewRevocation(app, request)).jobId);
    }
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const more = cursor === undefined ? {} : { cursor };
      const page = await listRevocationJobs(app, { fleet: testFleet, limit: 3, ...more });
      listed.push(...page.revocations.map(({ jobId }) => jobId));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(listed).toEqual(ids);
    const list = (more: object) => codeOf(listRevocationJobs(app, { fleet: testFleet, limit: 3, ...more }));
    expect(await list({ cursor: "next" })).toBe("cursor_invalid");
    for (const limit of [0, 1_001, 1.5]) expect(await list({ limit })).toBe("request_invalid");
    await other.close();
  });
});
