/** Room: test. What is damaged, or was dated by a wrong clock, keeps nobody else from what is published. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { artifactKey } from "../../core/distribution/artifacts.ts";
import { readManifest } from "../../core/distribution/manifest-signature.ts";
import { decodeCertificateList } from "../../core/formats/crl/certificate-list.ts";
import type { PublisherApp } from "../../core/ports.ts";
import { publishEverything } from "../../core/publication/publication.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { crlObjectKey } from "../../core/revocation/status-places.ts";
import {
  actor,
  day,
  fleet,
  openPublishingFleet,
  otherFleet,
  type PublishingFleet,
} from "../revocation/publishing-fleet.ts";

let house: PublishingFleet;
beforeEach(async () => {
  house = await openPublishingFleet();
});
afterEach(() => house.close());

const listOf = async (serialNumber: string) => {
  const { authorityId, crlShard = "" } = await house.record(serialNumber);
  const found = await house.artifacts.get(crlObjectKey(fleet, authorityId, crlShard));
  return found === undefined ? undefined : decodeCertificateList(Buffer.from(found.body));
};

it("a fleet that is listed and not there, and a damaged entry, are told; all else is published", async () => {
  const { app } = house;
  const { serialNumber } = await house.enrol("pump-1");
  // Both come before what is whole, in their order.
  await app.items.transact([
    { put: { pk: "FLEETS", sk: "a-lost-fleet", attributes: { fleet: "a-lost-fleet" } }, when: "absent" },
    {
      put: {
        ...{ pk: "REVOKED#lost#issuing-1#2026-11-26.7d#0", sk: "00", attributes: { state: "nonsense" } },
        indexes: { open: { pk: "UNPUBLISHED#0", sk: "1970" } },
      },
      when: "absent",
    },
  ]);
  await revoke(app, { fleet, actor, serialNumber, reason: "keyCompromise" });
  const report = await publishEverything(app);
  expect(report.failed).toBeGreaterThan(0);
  expect(report.pending).toBe(0);
  expect((await listOf(serialNumber))?.revoked.map((each) => each.serialNumber)).toEqual([serialNumber]);
  const events = house.log.map(({ event }) => event);
  expect(events).toContain("list_work_damaged");
  expect(events).toContain("publication_failed");
  // The other fleet's lists are there ahead of its first certificate.
  const { record } = await house.issuer(otherFleet);
  const keys = house.artifacts.keys.filter((key) => key.includes(`${otherFleet}/crl/${record.authorityId}`));
  expect(keys.length).toBeGreaterThan(10);
});

it("what a clock twenty days ahead has dated is signed again by the present one", async () => {
  const { app } = house;
  const { serialNumber } = await house.enrol("pump-1");
  const ahead: PublisherApp = {
    ...app,
    clock: { ...app.clock, now: () => app.clock.now() + 20 * day },
  };
  await publishEverything(ahead);
  house.clock.advance(60_000);
  await publishEverything(app);
  const now = app.clock.now();
  expect((await listOf(serialNumber))?.thisUpdate).toBeLessThanOrEqual(now);
  const newest = await house.artifacts.get(artifactKey(fleet, "trust.jws"));
  const { manifest } = readManifest(Buffer.from(newest?.body ?? []).toString());
  expect(Date.parse(manifest.notBefore)).toBeLessThanOrEqual(now);
});
