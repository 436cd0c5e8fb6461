/** Room: test. Certificates that an earlier release revoked: a deployment of this one puts them on their lists. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { distribute } from "../../core/bootstrap/distribution.ts";
import { certificateItem, certificateKey } from "../../core/records/certificate-record.ts";
import { adoptEarlierRevocations } from "../../core/revocation/earlier.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { codeOf } from "../support/errors.ts";
import {
  actor,
  type Device,
  day,
  fleet,
  listAt,
  openPublishingFleet,
  type Ports,
  type PublishingFleet,
  pointerOf,
  serialsOf,
} from "./publishing-fleet.ts";

let house: PublishingFleet;
let app: Ports;
beforeAll(async () => {
  house = await openPublishingFleet();
  app = house.app;
});
afterAll(() => house.close());

/** As the releases before lists wrote it: no list's name in the record, and no entry. */
async function revokedEarlier({ serialNumber }: Device): Promise<void> {
  const item = await app.items.get(certificateKey(fleet, serialNumber));
  const { crlShard: _, ...record } = await house.record(serialNumber);
  const revoked = { state: "revoked", revocationReason: "keyCompromise", revokedBy: actor } as const;
  const put = certificateItem({ ...record, ...revoked, revokedAt: app.clock.now() });
  await app.items.transact([{ put, when: item?.version ?? "absent" }]);
}

const listed = async ({ certificate }: Device) => {
  await house.publish();
  return serialsOf(await listAt(app, pointerOf(certificate), await house.issuer()));
};

it("stand on their lists after the next deployment, each once, with their own time and reason", async () => {
  const devices = [await house.enrol("pump-1"), await house.enrol("pump-2"), await house.enrol("pump-3")];
  const [first, second, third] = devices as [Device, Device, Device];
  await revokedEarlier(first);
  await revokedEarlier(second);
  await revoke(app, { fleet, actor, serialNumber: third.serialNumber, reason: "superseded" });
  expect(await listed(first)).toEqual([third.serialNumber]);
  await distribute(app, fleet);
  expect([...(await listed(first))].sort()).toEqual(devices.map(({ serialNumber }) => serialNumber).sort());
  expect(await adoptEarlierRevocations(app, fleet)).toBe(0);
  const list = await listAt(app, pointerOf(first.certificate), await house.issuer());
  const { revokedAt = 0 } = await house.record(first.serialNumber);
  expect(list?.revoked).toContainEqual({
    serialNumber: first.serialNumber,
    revocationDate: Math.floor(revokedAt / 1000) * 1000,
    reason: "keyCompromise",
  });
  const again = { fleet, actor, serialNumber: first.serialNumber, reason: "superseded" } as const;
  expect(await codeOf(revoke(app, again))).toBe("already_revoked");
});

it("are found also when a function of the earlier release answered beside the deployment", async () => {
  const device = await house.enrol("pump-late");
  await revokedEarlier(device);
  house.clock.advance(3_600_000);
  expect(await adoptEarlierRevocations(app, fleet)).toBe(1);
  expect(await listed(device)).toContain(device.serialNumber);
});

it("whose list has gone are left as they are", async () => {
  const device = await house.enrol("pump-gone");
  await revokedEarlier(device);
  house.clock.advance(200 * day);
  expect(await adoptEarlierRevocations(app, fleet)).toBe(0);
  expect((await house.record(device.serialNumber)).crlShard).toBeUndefined();
});
