/** Room: test. A claim's quota is exact, however many enrol at once, and no counter is every device's. */
import { describe, expect, it } from "vitest";
import { createClaim, getClaim } from "../../core/enrollment/claim.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { isAppError } from "../../core/errors.ts";
import { claimShares, firstShare } from "../../core/records/claim-record.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";
import { actor, openConfiguredFleet, register } from "./fixtures/configured-fleet.ts";

describe("shares of a quota", () => {
  it.each([1, 2, 15, 16, 17, 120, 1_000, 999_999])(
    "of %i add up to it, and differ by one at most",
    (quota) => {
      const limits = claimShares(quota, []).map(({ limit }) => limit);
      expect(limits.reduce((sum, limit) => sum + limit, 0)).toBe(quota);
      expect(limits).toHaveLength(Math.min(16, quota));
      expect(Math.max(...limits) - Math.min(...limits)).toBeLessThanOrEqual(1);
    },
  );

  it("devices begin at all of them, none with more than twice its part", () => {
    const counts = Array.from({ length: 16 }, () => 0);
    for (let device = 0; device < 4_000; device += 1) {
      const share = firstShare(`pump-${device}`, 16);
      counts[share] = (counts[share] ?? 0) + 1;
    }
    expect(Math.max(...counts)).toBeLessThan(500);
    expect(Math.min(...counts)).toBeGreaterThan(125);
  });
});

describe("AWS IoT claim keys shared by a fleet: 200 devices that enrol at once by one claim", () => {
  it.each([
    { quota: 1, issued: 1 },
    { quota: 120, issued: 120 },
    { quota: 200, issued: 200 },
  ])(
    "with a quota of $quota: $issued get a certificate, the others quota_exhausted",
    async ({ quota, issued }) => {
      const opened = await openConfiguredFleet({ accepts: ["claim"] });
      const { app } = opened;
      const names = Array.from({ length: 200 }, (_, index) => `pump-${index}`);
      await register(app, names);
      const csr = deviceCsr(deviceKey());
      const { certificate } = await createClaim(app, { fleet, actor, claimId: "batch-1", csr, quota });
      const key = deviceKey();
      const outcomes = await Promise.all(
        names.map((deviceId) =>
          enroll(app, { fleet, certificate, csr: deviceCsr(key, { commonName: deviceId }) }).then(
            () => "issued",
            (error: unknown) => (isAppError(error) ? error.code : String(error)),
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === "issued")).toHaveLength(issued);
      expect(outcomes.filter((outcome) => outcome === "quota_exhausted")).toHaveLength(200 - issued);
      expect(await getClaim(app, fleet, "batch-1")).toMatchObject({ used: issued });
      await opened.close();
    },
    60_000,
  );
});
