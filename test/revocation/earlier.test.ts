/** Room: test. Certificates that an earlier release revoked: the census of this one puts them on their lists. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { takeCensus } from "../../core/distribution/census.ts";
import { certificateItem, certificateKey, timeKey } from "../../core/records/certificate-record.ts";
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

/** As the releases before lists wrote it: no list's name in the record, no entry, two indexes, by the time of the request. */
async function revokedEarlier({ serialNumber }: Device): Promise<void> {
  const item = await app.items.get(certificateKey(fleet, serialNumber));
  const { crlShard: _, ...record } = await house.record(serialNumber);
  const revoked = { state: "revoked", revocationReason: "keyCompromise", revokedBy: actor } as const;
  const { indexes, ...put } = certificateItem({ ...record, ...revoked, revokedAt: app.clock.now() });
  const { byDevice, byIssue } = indexes ?? {};
  if (byDevice === undefined || byIssue === undefined) throw new Error("a certificate has both indexes");
  const byRequest = { pk: byIssue.pk, sk: `${timeKey(record.createdAt)}#${serialNumber}` };
  const earlier = { ...put, indexes: { byDevice, byIssue: byRequest } };
  await app.items.transact([{ put: earlier, when: item?.version ?? "absent" }]);
}

const census = () => takeCensus(app, fleet, Number.POSITIVE_INFINITY);

const listed = async ({ certificate }: Device) => {
  await house.publish();
  return serialsOf(await listAt(app, pointerOf(certificate), await house.issuer()));
};

it("stand on their lists after the first census, each once, with their own time and reason", async () => {
  const devices = [await house.enrol("pump-1"), await house.enrol("pump-2"), await house.enrol("pump-3")];
  const [first, second, third] = devices as [Device, Device, Device];
  const gone = await house.enrol("pump-gone");
  await revokedEarlier(first);
  await revokedEarlier(second);
  await revoke(app, { fleet, actor, serialNumber: third.serialNumber, reason: "superseded" });
  expect(await listed(first)).toEqual([third.serialNumber]);
  // A week later this release takes over.
  house.clock.advance(7 * day);
  await census();
  expect([...(await listed(first))].sort()).toEqual(devices.map(({ serialNumber }) => serialNumber).sort());
  const list = await listAt(app, pointerOf(first.certificate), await house.issuer());
  const { revokedAt = 0 } = await house.record(first.serialNumber);
  expect(list?.revoked).toContainEqual({
    serialNumber: first.serialNumber,
    revocationDate: Math.floor(revokedAt / 1000) * 1000,
    reason: "keyCompromise",
  });
  const again = { fleet, actor, serialNumber: first.serialNumber, reason: "superseded" } as const;
  expect(await codeOf(revoke(app, again))).toBe("already_revoked");
  expect((await house.record(gone.serialNumber)).state).toBe("issued");
});

it("whose list has gone are left off it", async () => {
  const other = await openPublishingFleet();
  const enrolled = await other.enrol("pump-1");
  const [kept, keptApp] = [house, app];
  [house, app] = [other, other.app];
  await revokedEarlier(enrolled);
  other.clock.advance(200 * day);
  await census();
  expect((await other.record(enrolled.serialNumber)).crlShard).toBeUndefined();
  [house, app] = [kept, keptApp];
  await other.close();
});
