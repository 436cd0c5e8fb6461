/** Room: test. The ceremony's task dies at any call while it makes requests or puts answers away, or runs twice at once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeCertificateList } from "../../core/formats/crl/certificate-list.ts";
import { rolloverItem } from "../../core/records/rollover-record.ts";
import { listKey } from "../../core/revocation/list.ts";
import { completeShard } from "../../core/revocation/shard.ts";
import { offlineRequest } from "../../core/rotation/offline/offline-request.ts";
import { placeOffline } from "../../core/rotation/offline/placement.ts";
import { prepareOffline } from "../../core/rotation/offline/prepare.ts";
import { requestDigest } from "../../core/rotation/offline/request.ts";
import { findRollover } from "../../core/rotation/rollover-store.ts";
import { dyingApp } from "./dying-app.ts";
import { fleet, moveOffline, type OfflineHouse, openOfflineHouse } from "./offline-house.ts";

let house: OfflineHouse;
let issued = 1;
const planned = async () => {
  issued += 1;
  return (await house.plan({ kind: "issuing", fromId: "issuing-1", toId: `issuing-${issued}` })).rolloverId;
};

/** Leaves nothing to be asked for it, so that the next run has as many calls. */
async function takeBack(rolloverId: string): Promise<void> {
  const { value, version } = await findRollover(house.app, { fleet, rolloverId });
  await house.app.items.transact([{ put: rolloverItem({ ...value, state: "rolledBack" }), when: version }]);
}

/** Runs `work` in a process that dies at `step`; false once it has ended before. */
async function diesAt(step: number, work: (app: OfflineHouse["app"]) => Promise<unknown>): Promise<boolean> {
  const { app, dead } = dyingApp(house.app, step);
  const outcome = await Promise.race([dead, work({ ...house.app, ...app }).then(() => "ended")]);
  return outcome === "dead";
}

beforeAll(async () => {
  house = await openOfflineHouse();
  await moveOffline(house);
});
afterAll(() => house.close());

describe("an offline request", () => {
  it("is one and the same after a death at any call of the store or the key service", async () => {
    let deaths = 0;
    for (let step = 1; ; step += 1) {
      const rolloverId = await planned();
      const died = await diesAt(step, (app) => prepareOffline(app, fleet));
      await prepareOffline(house.app, fleet);
      const { request, sha256 } = await offlineRequest(house.app, { fleet, rolloverId });
      expect(requestDigest(request)).toBe(sha256);
      await prepareOffline(house.app, fleet);
      expect((await offlineRequest(house.app, { fleet, rolloverId })).sha256).toBe(sha256);
      await takeBack(rolloverId);
      if (!died) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(20);
  });

  it("is one where two tasks make it at once", async () => {
    const rolloverId = await planned();
    const made = await Promise.all([prepareOffline(house.app, fleet), prepareOffline(house.app, fleet)]);
    expect(made[0] + made[1]).toBe(1);
    expect((await offlineRequest(house.app, { fleet, rolloverId })).request.rolloverId).toBe(rolloverId);
  });
});

describe("an imported answer", () => {
  it("is put away once, whichever call of the store the task died at, and no list goes backwards", async () => {
    let highest = 0;
    for (let step = 1, died = true; died; step += 1) {
      const rolloverId = await planned();
      await house.bring(rolloverId, await house.signed(await house.asked(rolloverId)));
      died = await diesAt(step, (app) => placeOffline(app, fleet));
      await Promise.all([placeOffline(house.app, fleet), placeOffline(house.app, fleet)]);
      expect(await placeOffline(house.app, fleet)).toBe(0);
      const list = await house.app.artifacts.get(
        listKey({ fleet, authorityId: "root-2", crlShard: completeShard }),
      );
      const { number = 0 } = decodeCertificateList(list?.body ?? Buffer.alloc(0));
      expect(number).toBeGreaterThan(highest);
      highest = number;
    }
    const kept = house.records.keys.filter((key) => key.includes("-offline-"));
    // The offline root's own, and each issuing authority's that was imported.
    expect(new Set(kept).size).toBe(kept.length);
    expect(kept.length).toBeGreaterThan(2);
  });
});
