/** Room: test. Kills at every await of an enrolment by claim: no device twice, and the quota counts each exactly once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { createClaim, getClaim } from "../../core/enrollment/claim.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { reconcile } from "../../core/enrollment/reconciler.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, testFleet as fleet } from "../support/fleet-app.ts";
import { actor, openConfiguredFleet, register } from "./fixtures/configured-fleet.ts";
import { crash } from "./fixtures/crash.ts";

let opened: FleetApp;
beforeAll(async () => {
  opened = await openConfiguredFleet({ accepts: ["claim"] }, { onDisk: true });
});
afterAll(() => opened.close());

/** Processes at once: as many lines of a factory that lose power together. */
const lines = 4;

describe("kill -9 at every await of an enrolment by claim", () => {
  it("leaves every device with one certificate after its retry, and the quota is used once for each", async () => {
    const { app, clock, directory } = opened;
    const claimCsr = deviceCsr(deviceKey());
    const { certificate } = await createClaim(app, { fleet, actor, claimId: "batch-1", csr: claimCsr });
    const requests = new Map<string, Buffer>();
    let kills = 0;
    let ended = false;
    for (let first = 1; !ended; first += lines) {
      const names = Array.from({ length: lines }, (_, index) => `pump-${first + index}`);
      await register(app, names);
      for (const deviceId of names) requests.set(deviceId, deviceCsr(deviceKey(), { commonName: deviceId }));
      const runs = await Promise.all(
        names.map((deviceId, index) =>
          crash(directory, { certificate }, requests.get(deviceId) ?? Buffer.alloc(0), first + index),
        ),
      );
      kills += runs.filter(({ killed }) => killed).length;
      ended = runs.some(({ killed }) => !killed);
    }
    clock.advance(leaseMilliseconds + 1);
    expect(await reconcile(app)).toMatchObject({ failed: 0, closed: 0, open: 0 });
    const usedByCrashes = (await getClaim(app, fleet, "batch-1")).used;
    // Kills before the intent used nothing up, and those after it one place each: both kinds must have been met.
    expect(kills).toBeGreaterThan(30);
    expect(usedByCrashes).toBeGreaterThan(3);
    expect(usedByCrashes).toBeLessThan(requests.size);
    for (const csr of requests.values()) {
      const { serialNumber } = await enroll(app, { fleet, certificate, csr });
      expect((await enroll(app, { fleet, certificate, csr })).serialNumber).toBe(serialNumber);
    }
    expect(await getClaim(app, fleet, "batch-1")).toMatchObject({ used: requests.size });
    for (const deviceId of requests.keys())
      expect((await listCertificates(app, { fleet, deviceId, limit: 10 })).certificates).toHaveLength(1);
  }, 240_000);
});
