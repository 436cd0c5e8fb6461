/** Room: test. A signer's way from request to use under an offline root, with a death at any call of a port, or two runs at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { signerIn, trustSigners } from "../../core/distribution/known-signers.ts";
import { walk } from "../../core/distribution/manifest-walk.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { trustSignerItem } from "../../core/records/publication-record.ts";
import { importFleetAnswer } from "../../core/rotation/offline/fleet-import.ts";
import { prepareFleet } from "../../core/rotation/offline/fleet-request.ts";
import { fleetOfflineRequest } from "../../core/rotation/offline/offline-request.ts";
import { requestDigest } from "../../core/rotation/offline/request.ts";
import { finishSigner } from "../../core/rotation/offline/signer-succession.ts";
import { rotationThresholds } from "../../core/standard/rotation.ts";
import { fetcher, knownManifest } from "../distribution/trust-world.ts";
import { codeOf } from "../support/errors.ts";
import { dyingApp } from "./dying-app.ts";
import { fleet, moveOffline, type OfflineHouse, openOfflineHouse } from "./offline-house.ts";

const day = 86_400_000;
let house: OfflineHouse;
beforeAll(async () => {
  house = await openOfflineHouse();
  await moveOffline(house);
});
afterAll(() => house.close());

const states = async () =>
  (await trustSigners(house.app, fleet))
    .map(({ value }) => value.state)
    .filter((state) => state !== "former");

/** The present signer is due at once. */
async function makeDue(): Promise<void> {
  const active = signerIn(await trustSigners(house.app, fleet), "active");
  if (active === undefined) expect.fail("no signer signs");
  const createdAt = house.clock.now() - rotationThresholds.trustManifestSigner.dueDays * day;
  const put = trustSignerItem({ ...active.value, createdAt });
  await house.app.items.transact([{ put, when: active.version }]);
}
beforeEach(makeDue);

async function diesAt(step: number, work: (app: OfflineHouse["app"]) => Promise<unknown>): Promise<boolean> {
  const { app, dead } = dyingApp(house.app, step, true);
  const outcome = await Promise.race([dead, work({ ...house.app, ...app }).then(() => "ended")]);
  // What it held is free again.
  house.clock.advance(leaseMilliseconds + 1);
  return outcome === "dead";
}

async function certifyAndFinish(): Promise<void> {
  await house.bringToFleet(await house.signed(await house.askedOfFleet()));
  await finishSigner(house.app, fleet);
}

describe("a request for a signer", () => {
  it("is one and the same after a death at any call", async () => {
    let deaths = 0;
    for (let step = 1, died = true; died; step += 1) {
      died = await diesAt(step, (app) => prepareFleet(app, fleet));
      await prepareFleet(house.app, fleet);
      const { request, sha256 } = await fleetOfflineRequest(house.app, fleet);
      expect(requestDigest(request)).toBe(sha256);
      expect(await prepareFleet(house.app, fleet)).toBe(0);
      await certifyAndFinish();
      await makeDue();
      deaths += died ? 1 : 0;
    }
    expect(deaths).toBeGreaterThan(20);
  }, 60_000);

  it("is one where two tasks make it at once", async () => {
    const made = await Promise.all([prepareFleet(house.app, fleet), prepareFleet(house.app, fleet)]);
    expect(made[0] + made[1]).toBe(1);
    await certifyAndFinish();
  });
});

describe("an import of a signer", () => {
  it("is done or not done, whichever call it died at; a repetition ends the same", async () => {
    const caller = { fleet, actor: "operator:operator-1" } as never;
    let deaths = 0;
    for (let step = 1, died = true; died; step += 1) {
      const answer = await house.signed(await house.askedOfFleet());
      const requestSha256 = requestDigest(answer.request);
      const approval = await house.approval();
      died = await diesAt(step, (app) => importFleetAnswer(app, { caller, approval, answer, requestSha256 }));
      const isThere = (await states()).includes("next");
      if (isThere) expect(await codeOf(house.bringToFleet(answer))).toBe("ceremony_state_invalid");
      else await house.bringToFleet(answer);
      expect(await states()).toEqual(["active", "next"]);
      await finishSigner(house.app, fleet);
      expect(await states()).toEqual(["active"]);
      await makeDue();
      deaths += died ? 1 : 0;
    }
    expect(deaths).toBeGreaterThanOrEqual(10);
  }, 60_000);
});

describe("a certified signer", () => {
  it("comes into use once, whichever call the task died at, and no version is lost to readers", async () => {
    const fetchVersion = fetcher(house.app.artifacts, fleet);
    let deaths = 0;
    for (let step = 1, died = true; died; step += 1) {
      const known = knownManifest(await fetchVersion("newest"));
      await house.bringToFleet(await house.signed(await house.askedOfFleet()));
      const number = (await trustSigners(house.app, fleet)).length;
      died = await diesAt(step, (app) => finishSigner(app, fleet));
      await finishSigner(house.app, fleet);
      expect(await finishSigner(house.app, fleet)).toBe(0);
      expect(await states(), `died at step ${step}`).toEqual(["active"]);
      expect(await trustSigners(house.app, fleet)).toHaveLength(number);
      const reached = await walk(fetchVersion, { known }, house.clock.now());
      expect(reached.manifest.version).toBeGreaterThan(known.manifest.version);
      await makeDue();
      deaths += died ? 1 : 0;
    }
    expect(deaths).toBeGreaterThan(40);
  }, 120_000);

  it("comes into use once where two tasks see to it at once", async () => {
    await house.bringToFleet(await house.signed(await house.askedOfFleet()));
    const number = (await trustSigners(house.app, fleet)).length;
    await Promise.allSettled([finishSigner(house.app, fleet), finishSigner(house.app, fleet)]);
    await finishSigner(house.app, fleet);
    expect(await states()).toEqual(["active"]);
    expect(await trustSigners(house.app, fleet)).toHaveLength(number);
  });
});
