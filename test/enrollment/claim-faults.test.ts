/** Room: test. A claim under a store and a key service that fail at random: each device once, the quota exact. */
import { describe, expect, it } from "vitest";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { createClaim, getClaim } from "../../core/enrollment/claim.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { type ErrorCode, isAppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";
import { patientClock } from "../support/patient-clock.ts";
import { actor, openConfiguredFleet, register } from "./fixtures/configured-fleet.ts";

const seed = 20_261_125;
const worthRetry: readonly ErrorCode[] = [
  "store_unavailable",
  "key_service_unavailable",
  "issuance_in_progress",
];

describe(`a claim of 30 devices and 40 that ask, every fourth call failing, seed ${seed}`, () => {
  it("30 get one certificate each, whatever was lost on the way, and 10 are told that the quota is used", async () => {
    const opened = await openConfiguredFleet({ accepts: ["claim"] });
    const random = seededRandom(seed);
    const clock = patientClock(opened.clock.now());
    const names = Array.from({ length: 40 }, (_, index) => `pump-${index}`);
    await register(opened.app, names);
    const claim = { fleet, actor, claimId: "batch-1", csr: deviceCsr(deviceKey()), quota: 30 };
    const { certificate } = await createClaim(opened.app, claim);
    const app: App = {
      ...opened.app,
      clock,
      items: faultyStore(opened.app.items, () =>
        random.pick([
          "none",
          "none",
          "none",
          "none",
          "none",
          "none",
          "unavailable",
          "committedThenUnavailable",
        ]),
      ),
      keys: faultyKeys(opened.app.keys, () =>
        random.pick(["none", "none", "none", "unavailable", "signedThenUnavailable"]),
      ),
    };
    async function answerOf(deviceId: string): Promise<string> {
      const csr = deviceCsr(deviceKey(), { commonName: deviceId });
      for (let attempt = 1; ; attempt += 1) {
        try {
          return (await enroll(app, { fleet, certificate, csr })).serialNumber;
        } catch (error) {
          if (!isAppError(error)) throw error;
          if (!worthRetry.includes(error.code) || attempt === 100) return error.code;
          await clock.sleep(200);
        }
      }
    }
    const answers = await Promise.all(names.map((deviceId) => clock.run(() => answerOf(deviceId))));
    expect(answers.filter((answer) => answer === "quota_exhausted")).toHaveLength(10);
    expect(new Set(answers).size).toBe(31);
    expect(await getClaim(opened.app, fleet, "batch-1")).toMatchObject({ used: 30 });
    for (const [index, deviceId] of names.entries()) {
      const { certificates } = await listCertificates(opened.app, { fleet, deviceId, limit: 10 });
      const expected = answers[index] === "quota_exhausted" ? [] : [answers[index]];
      expect(certificates.map(({ serialNumber }) => serialNumber)).toEqual(expected);
    }
    await opened.close();
  }, 60_000);
});
