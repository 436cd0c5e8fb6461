/** Room: test. What readers find after a run of the publisher: lists, their addresses, their times, and their end. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { crlRecord } from "../../core/records/crl-record.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { revocationEntryItem, revokedPartition } from "../../core/records/revocation-entry.ts";
import { largeListOctets, listKey, publishList } from "../../core/revocation/list.ts";
import { publishRevocations } from "../../core/revocation/publisher.ts";
import { release, revoke } from "../../core/revocation/revoke.ts";
import { completeShard } from "../../core/revocation/shard.ts";
import { tendShards } from "../../core/revocation/shards.ts";
import { publicationSchedules, revocationStandard } from "../../core/standard/revocation.ts";
import { countingStore } from "../support/counting-store.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import {
  actor,
  fleet,
  keyOfUrl,
  listAt,
  openPublishingFleet,
  origin,
  otherFleet,
  type Ports,
  type PublishingFleet,
  pointerOf,
  serialsOf,
} from "./publishing-fleet.ts";

let house: PublishingFleet;
let app: Ports;
beforeEach(async () => {
  house = await openPublishingFleet();
  app = house.app;
});
afterEach(() => house.close());

const nothing = {
  ...{ published: 0, entries: 0, withdrawn: 0, failed: 0, pending: 0 },
  ...{ oldestPendingSeconds: 0, slowestSeconds: 0 },
};
const ask = (serialNumber: string, name = fleet) =>
  ({ fleet: name, actor, serialNumber, reason: "keyCompromise" }) as const;

async function listOf(certificate: string, name = fleet) {
  const list = await listAt(app, pointerOf(certificate), await house.issuer(name));
  if (list === undefined) throw new Error("there is no list");
  return list;
}

describe("lists are there before a certificate names them", () => {
  it("empty, one for each window up to the longest validity, and not one more the next time", async () => {
    const first = await house.publish();
    // Ninety days in windows of seven, for each of two fleets.
    expect(first.published).toBeGreaterThanOrEqual(2 * 13);
    expect(first.published).toBeLessThanOrEqual(2 * 14);
    const { certificate } = await house.enrol("pump-1");
    const list = await listOf(certificate);
    expect([list.number, list.revoked]).toEqual([1, []]);
    expect(await house.publish()).toEqual(nothing);
  });

  it("a run with nothing to tend costs one query a fleet", async () => {
    await house.publish();
    const items = countingStore(app.items);
    const found = await getFleet(app, fleet);
    expect(await tendShards({ ...app, items }, found)).toBe(0);
    expect(items.calls).toEqual({ reads: 1, transactions: 0 });
  });

  it("a fleet without an address has none, and what waits there is nobody's alarm", async () => {
    const { record, version } = await getFleet(app, otherFleet);
    const { artifactBases: _, ...homeless } = record;
    const { serialNumber } = await house.enrol("pump-1", otherFleet);
    await publishRevocations(app);
    await app.items.transact([{ put: fleetItem(homeless), when: version }]);
    await revoke(app, ask(serialNumber, otherFleet));
    expect(await tendShards(app, await getFleet(app, otherFleet))).toBe(0);
    expect(await publishRevocations(app)).toEqual(nothing);
    expect(house.artifacts.keys.filter((key) => key.includes(otherFleet) && key.includes("crl"))).toEqual([]);
    // Once it has one again, what waited is published.
    await moveOrigin(app, otherFleet, origin);
    expect(await publishRevocations(app)).toMatchObject({ published: 1, entries: 1 });
  });
});

describe("a list", () => {
  it("RFC 5280 §5.2.5, §6.3.3: names itself by the address that its certificates carry", async () => {
    await house.publish();
    const { certificate } = await house.enrol("pump-1");
    const list = await listOf(certificate);
    expect(list.distributionPoint).toEqual([
      { kind: "uniformResourceIdentifier", value: pointerOf(certificate) },
    ]);
  });

  it("names itself by every address that certificates in force carry, as soon as the fleet has moved", async () => {
    await house.publish();
    const { certificate: before } = await house.enrol("pump-1");
    await moveOrigin(app, fleet, "https://fleet.example.test");
    const { published } = await house.publish();
    expect(published).toBeGreaterThan(12);
    const { certificate: after } = await house.enrol("pump-2");
    for (const pem of [before, after]) {
      const names = (await listOf(pem)).distributionPoint?.map(({ value }) => value);
      expect(names).toContain(pointerOf(pem));
    }
    expect(await house.publish()).toEqual(nothing);
  });

  it("RFC 5280 §5.3: has the serial number, time and reason of each that is revoked, and no other", async () => {
    const [first, second, third] = [
      await house.enrol("pump-1"),
      await house.enrol("pump-2"),
      await house.enrol("pump-3"),
    ];
    await house.publish();
    await revoke(app, ask(first.serialNumber));
    await revoke(app, { ...ask(second.serialNumber), reason: "certificateHold" });
    expect(await house.publish()).toMatchObject({ published: 1, entries: 2, failed: 0, pending: 0 });
    const list = await listOf(first.certificate);
    const entry = async (serialNumber: string, reason: string) => ({
      serialNumber,
      reason,
      revocationDate: Math.floor(((await house.record(serialNumber)).revokedAt ?? 0) / 1000) * 1000,
    });
    const expected = [
      await entry(first.serialNumber, "keyCompromise"),
      await entry(second.serialNumber, "certificateHold"),
    ];
    expect(list.revoked).toHaveLength(2);
    expect(list.revoked).toEqual(expect.arrayContaining(expected));
    expect(serialsOf(list)).not.toContain(third.serialNumber);
    await release(app, { fleet, serialNumber: second.serialNumber, actor });
    await house.publish();
    const next = await listOf(first.certificate);
    expect([serialsOf(next), next.number]).toEqual([[first.serialNumber], 3]);
  });

  it("RFC 2585 §4: is application/pkix-crl, and caches keep it no longer than the standard says", async () => {
    await house.publish();
    const { certificate } = await house.enrol("pump-1");
    const object = await app.artifacts.get(keyOfUrl(pointerOf(certificate)));
    expect(object).toMatchObject({
      contentType: "application/pkix-crl",
      cacheControl: `public, max-age=${revocationStandard.cacheSeconds}`,
    });
  });

  it("RFC 5280 §5.1.2.5: is signed again well before its nextUpdate, though nothing has changed", async () => {
    await house.publish();
    const { certificate } = await house.enrol("pump-1");
    const first = await listOf(certificate);
    const { validSeconds, refreshSeconds } = publicationSchedules.crl;
    expect((first.nextUpdate ?? 0) - first.thisUpdate).toBe(validSeconds * 1000);
    house.clock.advance(refreshSeconds * 900 - 60_000);
    expect((await listOf(certificate)).number).toBe(1);
    await publishRevocations(app);
    expect((await listOf(certificate)).number).toBe(1);
    house.clock.advance(refreshSeconds * 200 + 120_000);
    await publishRevocations(app);
    const second = await listOf(certificate);
    expect(second.number).toBe(2);
    expect(second.thisUpdate).toBeLessThan(first.nextUpdate ?? 0);
  });

  it("is not due in the same minute as all the others", async () => {
    await house.publish();
    const found = await app.items.query({ pk: `CRL#${fleet}`, limit: 100 });
    const due = found.items
      .map((item) => crlRecord(item).value)
      .filter(({ crlShard }) => crlShard !== completeShard)
      .map(({ dueAt, thisUpdate }) => {
        const share = ((dueAt ?? 0) - thisUpdate) / (publicationSchedules.crl.refreshSeconds * 1000);
        expect(share).toBeGreaterThan(0.899);
        expect(share).toBeLessThan(1.101);
        return share.toFixed(4);
      });
    expect(new Set(due).size).toBe(due.length);
  });
});

describe("a list that comes near to what a function's answer holds", () => {
  const name = { fleet, authorityId: "issuing-1", crlShard: "2026-11-26.7d" };

  /** As the first partition would be with so many revoked certificates of a window. */
  function crowded(count: number): Ports["items"] {
    const now = app.clock.now();
    const entry = {
      ...({ ...name, state: "revoked", reason: "keyCompromise", publishedIn: 1 } as const),
      ...{ revokedAt: now, changedAt: now },
    };
    const items = Array.from({ length: count }, (_, index) => {
      const serialNumber = `0${(2n ** 123n + BigInt(index)).toString(16)}`;
      return { ...revocationEntryItem({ ...entry, serialNumber }), version: 1 };
    });
    const partition = revokedPartition(name, "0");
    return {
      get: (key) => app.items.get(key),
      transact: (operations) => app.items.transact(operations),
      query: async (query) => (query.pk === partition ? { items } : await app.items.query(query)),
    };
  }

  it.each([
    { count: 70_000, warnings: 0 },
    { count: 95_000, warnings: 1 },
  ])("$count entries: $warnings warnings", async ({ count, warnings }) => {
    const issuer = await house.issuer();
    const { artifactBases: bases = [] } = (await getFleet(app, fleet)).record;
    const schedule = publicationSchedules.crl;
    await publishList({ ...app, items: crowded(count) }, { ...name, issuer, schedule, bases });
    const octets = house.artifacts.versions(listKey(name)).at(-1)?.body.length ?? 0;
    expect(octets > largeListOctets).toBe(warnings > 0);
    const said = house.log.filter(({ event }) => event === "crl_large").map(({ fields }) => fields);
    expect(said).toEqual(Array(warnings).fill({ ...name, octets }));
  });
});

describe("a run", () => {
  it("signs only the lists that were touched", async () => {
    await house.publish();
    const keys = faultyKeys(app.keys);
    const { serialNumber } = await house.enrol("pump-1");
    await revoke(app, ask(serialNumber));
    await house.publish({ ...app, keys });
    expect(keys.signatures).toBe(1);
  });

  it("whose list fails publishes all others, says how long it waits, and the next run makes up for it", async () => {
    await house.publish();
    const [own, other] = [await house.enrol("pump-1"), await house.enrol("pump-1", otherFleet)];
    await revoke(app, ask(own.serialNumber));
    house.clock.advance(10_000);
    await revoke(app, ask(other.serialNumber, otherFleet));
    house.clock.advance(30_000);
    const refused = (await house.issuer()).record.keyId;
    const keys = {
      ...app.keys,
      sign: (keyId: string, message: Uint8Array) =>
        keyId === refused ? Promise.reject(new Error("broken")) : app.keys.sign(keyId, message),
    };
    const report = await publishRevocations({ ...app, keys });
    expect(report).toMatchObject({ published: 1, entries: 1, failed: 1, pending: 1 });
    expect(report.oldestPendingSeconds).toBeGreaterThanOrEqual(40);
    expect(serialsOf(await listOf(other.certificate, otherFleet))).toEqual([other.serialNumber]);
    expect(house.log).toContainEqual(
      expect.objectContaining({
        event: "crl_not_published",
        fields: expect.objectContaining({ fleet, code: "internal" }),
      }),
    );
    const { slowestSeconds, ...made } = await publishRevocations(app);
    expect(made).toMatchObject({ published: 1, entries: 1, pending: 0, oldestPendingSeconds: 0 });
    expect(slowestSeconds).toBeGreaterThanOrEqual(40);
    expect(serialsOf(await listOf(own.certificate))).toEqual([own.serialNumber]);
  });

  it("says how long the slowest of what it published had waited, and the next one no more of it", async () => {
    await house.publish();
    const [first, second] = [await house.enrol("pump-1"), await house.enrol("pump-1", otherFleet)];
    await revoke(app, ask(first.serialNumber));
    house.clock.advance(75_000);
    await revoke(app, ask(second.serialNumber, otherFleet));
    const report = await publishRevocations(app);
    expect(report).toMatchObject({ published: 2, entries: 2, pending: 0, oldestPendingSeconds: 0 });
    // What no list has any more is not all that was late: the alarm looks at both figures.
    expect(report.slowestSeconds).toBeGreaterThanOrEqual(75);
    expect(await publishRevocations(app)).toEqual(nothing);
  });

  it("publishes nothing that its key's signature does not verify for", async () => {
    await house.publish();
    const { serialNumber, certificate } = await house.enrol("pump-1");
    await revoke(app, ask(serialNumber));
    const keys = faultyKeys(app.keys, () => "wrongSignature");
    expect(await house.publish({ ...app, keys })).toMatchObject({ published: 0, failed: 1, pending: 1 });
    expect((await listOf(certificate)).number).toBe(1);
  });

  it("that has no time left begins nothing, and counts what waits", async () => {
    await house.publish();
    const { serialNumber } = await house.enrol("pump-1");
    await revoke(app, ask(serialNumber));
    const report = await publishRevocations(app, { until: app.clock.now() });
    expect(report).toMatchObject({ published: 0, failed: 0, pending: 1 });
  });

  it("marks a hold that ended before it was published, and lists nobody", async () => {
    await house.publish();
    const { serialNumber, certificate } = await house.enrol("pump-1");
    await revoke(app, { ...ask(serialNumber), reason: "certificateHold" });
    await release(app, { fleet, serialNumber, actor });
    expect(await house.publish()).toMatchObject({ published: 1, entries: 1, pending: 0 });
    expect((await listOf(certificate)).revoked).toEqual([]);
    expect(await house.publish()).toEqual(nothing);
  });

  it("keeps fleets apart: each list is below its own fleet's key", async () => {
    await house.publish();
    const name = { fleet: otherFleet, authorityId: "issuing-1", crlShard: "2026-11-26.7d" };
    expect(listKey(name)).toBe(`fleets/${otherFleet}/crl/issuing-1/2026-11-26.7d.crl`);
    const { serialNumber } = await house.enrol("pump-1");
    await revoke(app, ask(serialNumber));
    await house.publish();
    const { certificate } = await house.enrol("pump-1", otherFleet);
    expect((await listOf(certificate, otherFleet)).revoked).toEqual([]);
  });
});
