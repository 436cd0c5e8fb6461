/** Room: test. Backends whose certificates are taken back: all at once, and in jobs from before there were backends. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { jobKey, jobRecord } from "../../core/records/revocation-job-record.ts";
import { getRevocationJob } from "../../core/revocation/bulk.ts";
import { continueJobs } from "../../core/revocation/bulk-worker.ts";
import { backendOf, deviceOf } from "../lambdas/fleet-callers.ts";
import { testFleet } from "../support/fleet-app.ts";
import { type BulkFleet, execute, forever, openBulkFleet, preview, stored } from "./bulk-fleet.ts";

let fleet: BulkFleet;
beforeAll(async () => {
  fleet = await openBulkFleet();
});
afterAll(() => fleet.close());

it("profile backend: they are counted and revoked, and nobody else is", async () => {
  const { app } = fleet;
  const backends = await Promise.all(["store", "export"].map((id) => backendOf(app, testFleet, id)));
  const device = await deviceOf(app, testFleet, "store");
  const jobId = await preview(app, { profile: "backend" });
  expect((await getRevocationJob(app, { fleet: testFleet, jobId })).toRevoke).toEqual({
    certificates: 2,
    bySubject: { device: 0, operator: 0, server: 0, claim: 0, backend: 2 },
  });
  await execute(app, jobId);
  await continueJobs(app, { until: forever });
  const all = await stored(app);
  expect(backends.map(({ serialNumber }) => all.get(serialNumber)?.state)).toEqual(["revoked", "revoked"]);
  expect(all.get(device.serialNumber)?.state).toBe("issued");
});

it("a job that was counted before there were backends has none", async () => {
  const { app } = fleet;
  const jobId = await preview(app, { profile: "device" });
  const item = await app.items.get(jobKey(testFleet, jobId));
  if (item === undefined) expect.fail("no job");
  const toRevoke = JSON.stringify({ device: 1, operator: 0, server: 0, claim: 0 });
  const { pk, sk, attributes, version } = item;
  await app.items.transact([{ put: { pk, sk, attributes: { ...attributes, toRevoke } }, when: version }]);
  expect((await getRevocationJob(app, { fleet: testFleet, jobId })).toRevoke).toEqual({
    certificates: 1,
    bySubject: { device: 1, operator: 0, server: 0, claim: 0, backend: 0 },
  });
  expect(jobRecord(item).value.toRevoke.backend).toBe(0);
});
