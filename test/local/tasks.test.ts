/** Tasks of the embedded server: a stop waits for what is begun, and not for all that there is to do. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { deployFleet } from "../../core/bootstrap/deployment.ts";
import type { ItemStore, ObjectStore } from "../../core/ports.ts";
import { previewRevocation } from "../../core/revocation/bulk.ts";
import { getRevocationJob } from "../../core/revocation/bulk-job.ts";
import { startTasks } from "../../local/tasks.ts";
import { actor, certificateOf, put } from "../revocation/bulk-fleet.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";

let fixture: DeploymentFixture;
beforeEach(async () => {
  fixture = await openDeploymentApp();
  const plan = {
    fleet,
    trustDomain: "example.test",
    rootAlgorithm: "P-256",
    issuingAlgorithm: "P-256",
  } as const;
  await deployFleet(fixture.app, { plan, fleets: [fleet], origin: "https://keys.example.test" });
});
afterEach(() => fixture.close());

/** Resolves when `hasEnded` does, of which a task's writes are the only measure. */
async function untilTrue(hasEnded: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await hasEnded())) await new Promise((resolve) => setImmediate(resolve));
}

it("stopped within a bulk revocation: the batch is ended, the rest is the next start's", async () => {
  const { app } = fixture;
  const devices = 1_200;
  await put(
    app,
    Array.from({ length: devices }, () => certificateOf(app)),
  );
  const criteria = { authorityId: "issuing-1" };
  const { jobId } = await previewRevocation(app, { fleet, actor, criteria, reason: "keyCompromise" });
  const job = () => getRevocationJob(app, { fleet, jobId });

  let batches = 0;
  let stopped: Promise<void> | undefined;
  const items: ItemStore = {
    get: (key) => app.items.get(key),
    query: (query) => app.items.query(query),
    async transact(operations) {
      await app.items.transact(operations);
      if (!operations.some((one) => "put" in one && one.put.sk.includes(jobId))) return;
      batches += 1;
      stopped ??= tasks.stop();
    },
  };
  const tasks = startTasks({ ...app, items });
  await tasks.starter.start("maintain");
  await untilTrue(() => stopped !== undefined);
  await stopped;
  expect(batches).toBe(1);
  expect((await job()).state).toBe("counting");

  const next = startTasks(app);
  await next.starter.start("maintain");
  await untilTrue(async () => (await job()).state !== "counting");
  await next.stop();
  expect(await job()).toMatchObject({ state: "counted", matched: devices });
});

it("stopped within a publication: lists under way are published, the rest is the next start's", async () => {
  const { app, artifacts } = fixture;
  const lists = () => artifacts.keys.filter((key) => /\.7d\.crl$/.test(key)).length;
  let stopped: Promise<void> | undefined;
  const stopping: ObjectStore = {
    get: (key) => app.artifacts.get(key),
    remove: (key, ...more) => app.artifacts.remove(key, ...more),
    async put(key, object, when) {
      const version = await app.artifacts.put(key, object, when);
      if (key.endsWith(".7d.crl")) stopped ??= tasks.stop();
      return version;
    },
  };
  const tasks = startTasks({ ...app, artifacts: stopping });
  await tasks.starter.start("publish");
  await untilTrue(() => stopped !== undefined);
  await stopped;
  const published = lists();
  expect(published).toBeLessThanOrEqual(4);

  const next = startTasks(app);
  await next.starter.start("publish");
  await untilTrue(() => lists() > 4);
  await next.stop();
});
