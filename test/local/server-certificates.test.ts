/** The embedded server looks after servers' certificates as soon as it runs: what a kill left undone waits for no interval. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { getServerCertificate } from "../../core/rotation/server-certificate.ts";
import { requestServerCertificate } from "../../core/rotation/server-request.ts";
import { openLocalApp, startLocal } from "../../local/app.ts";
import { recordingLog } from "../support/fleet-app.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const name = { fleet: "default", name: "api" };
const wish = { ...name, dnsNames: ["api.example.test"], keyAlgorithm: "P-256" } as const;
const caller = { actor: "operator:operator-1", namePatterns: "any" } as const;

it("one that was asked for before the server stopped is made when it starts again", async () => {
  const options = { dataDir, host: "127.0.0.1", port: 0, log: recordingLog([]) };
  const first = await startLocal(options);
  await first.close();
  const beside = await openLocalApp(options);
  try {
    // A process that is killed wakes nobody any more.
    const tasks = { start: () => Promise.resolve() };
    await requestServerCertificate({ ...beside.app, tasks }, { ...wish, caller });
    const again = await startLocal(options);
    try {
      while ((await getServerCertificate(beside.app, name)).state !== "current") await pause(20);
    } finally {
      await again.close();
    }
    const { certificateId = "" } = await getServerCertificate(beside.app, name);
    expect(await beside.app.certificates.describe(certificateId)).toMatchObject({ keyAlgorithm: "P-256" });
  } finally {
    await beside.close();
  }
});
