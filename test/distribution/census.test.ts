/** Room: test. The census: each certificate counts once, whatever dies and whoever counts beside; no scan, few reads. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inventoryCounts, takeCensus } from "../../core/distribution/census.ts";
import { AppError } from "../../core/errors.ts";
import type { App, Item, ItemStore } from "../../core/ports.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateKey,
  timeKey,
} from "../../core/records/certificate-record.ts";
import { crlItem } from "../../core/records/crl-record.ts";
import { countingStore } from "../support/counting-store.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";
import { day, madeRecord, store } from "./stored-certificates.ts";

const minute = 60_000;
const forever = Number.POSITIVE_INFINITY;
let opened: FleetApp;
let app: App;
beforeEach(async () => {
  opened = await openFleetApp();
  ({ app } = opened);
});
afterEach(() => opened.close());

const pick = <Value>(values: readonly Value[]): Value =>
  values[Math.floor(Math.random() * values.length)] ?? expect.fail("nothing to pick from");

function anyRecord(): CertificateRecord {
  const issuedAt = app.clock.now() - Math.floor(Math.random() * 1_000);
  return madeRecord(issuedAt, {
    notAfter: issuedAt + Math.floor(Math.random() * 60) * day,
    keyAlgorithm: pick(["P-256", "P-384"]),
    authorityId: pick(["issuing-1", "issuing-2"]),
    profile: pick(["device", "quarantine"] as const),
  });
}

const some = (count: number) => Array.from({ length: count }, anyRecord);

async function takeAll(by: Pick<App, keyof App> = app): Promise<number> {
  let counted = 0;
  for (let run = 0; run < 20; run += 1) {
    const more = await takeCensus(by, fleet, forever);
    if (more === 0 && run > 0) break;
    counted += more;
  }
  return counted;
}

/** The authorities' own two certificates are in every fleet. */
const own = 2;

function expectedOf(records: readonly CertificateRecord[], now: number) {
  const today = Math.floor(now / day);
  const dayOf = ({ notAfter }: CertificateRecord) => Math.floor(notAfter / day);
  const within = (days: number) =>
    records.filter((record) => dayOf(record) >= today && dayOf(record) <= today + days).length;
  const unexpired = records.filter((record) => dayOf(record) >= today);
  const by = (name: "profile" | "keyAlgorithm") =>
    Object.fromEntries(
      [...Map.groupBy(unexpired, (record) => record[name])].map(([key, of]) => [key, of.length]),
    );
  return {
    total: records.length + own,
    unexpired: unexpired.length + own,
    expiring: [1, 7, 14, 30].map((days) => ({ days, certificates: within(days) })),
    device: by("profile"),
    keyAlgorithm: by("keyAlgorithm"),
  };
}

async function expectCounts(records: readonly CertificateRecord[]): Promise<void> {
  const counts = await inventoryCounts(app, { fleet });
  const expected = expectedOf(records, app.clock.now());
  expect(counts.total).toBe(expected.total);
  expect(counts.unexpired).toBe(expected.unexpired);
  expect(counts.expiring).toEqual(expected.expiring);
  expect(counts.byProfile).toMatchObject(expected.device);
  expect(counts.byKeyAlgorithm["P-384"] ?? 0).toBe(expected.keyAlgorithm["P-384"] ?? 0);
}

describe("counts", () => {
  it("equal a recount, once what was issued has settled", async () => {
    const records = some(700);
    await store(app, records);
    opened.clock.advance(3 * minute);
    expect(await takeAll()).toBe(700 + own);
    await expectCounts(records);
    expect(await takeAll()).toBe(0);
  });

  it("leave out what is younger than two minutes, and count it later", async () => {
    opened.clock.advance(3 * minute);
    await takeAll();
    const records = some(5);
    await store(app, records);
    expect(await takeAll()).toBe(0);
    const { asOf } = await inventoryCounts(app, { fleet });
    expect(Date.parse(asOf)).toBeLessThanOrEqual(app.clock.now() - 2 * minute);
    opened.clock.advance(3 * minute);
    expect(await takeAll()).toBe(5);
    await expectCounts(records);
  });

  it("forget what has expired, day by day, and keep the total", async () => {
    const records = some(300);
    await store(app, records);
    for (let passed = 0; passed < 70; passed += 10) {
      opened.clock.advance(10 * day);
      await takeAll();
      await expectCounts(records);
    }
  });

  it("are not changed by a revocation or a renewal of what was counted", async () => {
    const records = some(10);
    await store(app, records);
    opened.clock.advance(3 * minute);
    await takeAll();
    for (const record of records) {
      const revoked = { ...record, state: "revoked", revokedAt: app.clock.now(), renewals: 1 } as const;
      await app.items.transact([{ put: certificateItem(revoked), when: 1 }]);
    }
    opened.clock.advance(3 * minute);
    expect(await takeAll()).toBe(0);
    await expectCounts(records);
  });

  it("are three reads, however many certificates there are", async () => {
    for (const count of [10, 2_000]) {
      await store(app, some(count));
      opened.clock.advance(3 * minute);
      await takeAll();
      const items = countingStore(app.items);
      await inventoryCounts({ ...app, items }, { fleet });
      expect(items.calls.reads).toBe(3);
    }
  });

  it("revoked: entries of the lists whose window has not passed", async () => {
    const list = {
      ...{ fleet, authorityId: "issuing-1", number: 1, publishedNumber: 1, places: "" },
      ...{ thisUpdate: 0, nextUpdate: 0, octets: 1 },
    };
    const now = app.clock.now();
    const shard = (time: number) => `${new Date(time).toISOString().slice(0, 10)}.1d`;
    await app.items.transact([
      { put: crlItem({ ...list, crlShard: shard(now - 3 * day), entries: 100, dueAt: now }), when: "absent" },
      { put: crlItem({ ...list, crlShard: shard(now), entries: 10, dueAt: now }), when: "absent" },
      { put: crlItem({ ...list, crlShard: shard(now + day), entries: 7, dueAt: now }), when: "absent" },
      {
        put: crlItem({ ...list, authorityId: "root-1", crlShard: "complete", entries: 1, dueAt: now }),
        when: "absent",
      },
    ]);
    expect((await inventoryCounts(app, { fleet })).revoked).toBe(18);
  });

  it("of a fleet that nobody counted yet are none, as of 1970; of no fleet: not_found", async () => {
    expect(await inventoryCounts(app, { fleet })).toMatchObject({ asOf: "1970-01-01T00:00:00Z", total: 0 });
    expect(await codeOf(inventoryCounts(app, { fleet: "nobody" }))).toBe("not_found");
  });
});

/** Dies before or after a transaction now and then: what follows of that run never happens. */
function dyingStore(items: ItemStore, share: number): ItemStore {
  const die = () => {
    if (Math.random() < share) throw new AppError("store_unavailable", "died", { retryAfter: 1 });
  };
  return {
    get: (key) => items.get(key),
    async query(query) {
      die();
      return items.query(query);
    },
    async transact(operations) {
      die();
      await items.transact(operations);
      die();
    },
  };
}

describe("each certificate counts once", () => {
  it("over random histories with two that count at once, and die", async () => {
    const records: CertificateRecord[] = [];
    const dying = { ...app, items: dyingStore(app.items, 0.02) };
    let died = 0;
    for (let round = 0; round < 30; round += 1) {
      const issued = some(Math.floor(Math.random() * 120));
      await store(app, issued);
      records.push(...issued);
      opened.clock.advance(Math.floor(Math.random() * 5) * minute);
      const takers = [takeCensus(dying, fleet, forever), takeCensus(dying, fleet, forever)];
      for (const { status } of await Promise.allSettled(takers)) died += status === "rejected" ? 1 : 0;
    }
    expect(died).toBeGreaterThan(5);
    opened.clock.advance(3 * minute);
    await takeAll();
    await expectCounts(records);
  });

  it("stops when its time is over, and goes on", async () => {
    const records = some(50);
    await store(app, records);
    opened.clock.advance(3 * minute);
    expect(await takeCensus(app, fleet, app.clock.now())).toBe(0);
    await takeAll();
    await expectCounts(records);
  });
});

/** As the release before wrote it: in index byIssue by the time of the request, in none by the end. */
function earlierItem(record: CertificateRecord) {
  const { crlShard: _, ...earlier } = record;
  const item = certificateItem(earlier);
  const { byExpiry: __, open: ___, byIssue, byDevice } = item.indexes ?? {};
  const own = byIssue ?? expect.fail("not in byIssue");
  const moved = { ...own, sk: `${timeKey(record.createdAt)}#${record.serialNumber}` };
  return { ...item, indexes: { byIssue: moved, ...(byDevice === undefined ? {} : { byDevice }) } };
}

describe("records of an earlier release", () => {
  it("are given their places in the indexes, and each counts once", async () => {
    const records = some(400).map((record, at) => ({
      ...record,
      createdAt: (record.issuedAt ?? 0) - Math.floor(Math.random() * 60 * minute),
      ...(at % 10 === 0 ? ({ state: "revoked", revokedAt: app.clock.now() } as const) : {}),
    }));
    for (const record of records) {
      await app.items.transact([{ put: earlierItem(record), when: "absent" }]);
    }
    opened.clock.advance(3 * minute);
    const dying = { ...app, items: dyingStore(app.items, 0.02) };
    for (let run = 0; run < 20; run += 1) {
      await Promise.allSettled([takeCensus(dying, fleet, forever), takeCensus(dying, fleet, forever)]);
      opened.clock.advance(minute);
    }
    await takeAll();
    await expectCounts(records);
    for (const record of records) {
      const item: Item | undefined = await app.items.get(certificateKey(fleet, record.serialNumber));
      expect(item?.indexes).toEqual(certificateItem(record).indexes);
    }
  });

  it("that a function of that release writes while releases change count once too", async () => {
    opened.clock.advance(3 * minute);
    await takeAll();
    const records = some(60);
    for (const record of records) {
      await app.items.transact([{ put: earlierItem(record), when: "absent" }]);
    }
    opened.clock.advance(3 * minute);
    await takeAll();
    await expectCounts(records);
  });
});
