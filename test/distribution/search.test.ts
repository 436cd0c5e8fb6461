/** Room: test. Searches of the inventory against a model: the same rows, in the order that is promised, each once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CertificateFilter,
  certificateStatuses,
  type ListRequest,
  listCertificates,
} from "../../core/distribution/inventory.ts";
import type { App } from "../../core/ports.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateKey,
  certificateRecord,
} from "../../core/records/certificate-record.ts";
import { countingStore } from "../support/counting-store.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";
import { day, madeRecord, store } from "./stored-certificates.ts";

let opened: FleetApp;
/** Stands still, so that the model knows what has expired. */
let app: App;
let now: number;
let records: CertificateRecord[];

const pick = <Value>(values: readonly Value[]): Value =>
  values[Math.floor(Math.random() * values.length)] ?? expect.fail("nothing to pick from");

/** Any certificate there may be: times on a coarse grid, so that many fall together. */
function anyRecord(): CertificateRecord {
  const issuedAt = now - Math.floor(Math.random() * 200) * day;
  const notAfter = issuedAt + pick([7, 30, 90, 397]) * day;
  const kind = pick(["device", "device", "device", "server", "operator"] as const);
  const state = pick(["issued", "issued", "revoked"] as const);
  const revoked = {
    revokedAt: issuedAt + Math.floor(Math.random() * 5) * day,
    revocationReason: pick(["superseded", "certificateHold"]),
  };
  return madeRecord(issuedAt, {
    notAfter,
    // Most are issued at once; some wait for a signature.
    createdAt: issuedAt - pick([0, 0, 3]) * day,
    state,
    subjectKind: kind,
    subjectId: `${kind}-${Math.floor(Math.random() * 12)}`,
    profile: kind === "device" ? pick(["device", "quarantine"] as const) : kind,
    authorityId: pick(["issuing-1", "root-1"]),
    keyAlgorithm: pick(["P-256", "P-384", "Ed25519"]),
    ...(state === "revoked" ? revoked : {}),
  });
}

beforeAll(async () => {
  opened = await openFleetApp();
  const authorities = opened.fleet.authorities.map(({ record }) => record.authorityId);
  now = Date.parse("2030-06-01T12:00:00Z");
  app = { ...opened.app, clock: { ...opened.app.clock, now: () => now } };
  records = Array.from({ length: 1_500 }, anyRecord).map((record) => ({
    ...record,
    authorityId: record.authorityId === "root-1" ? (authorities[0] ?? "") : (authorities[1] ?? ""),
  }));
  await store(app, records);
});
afterAll(() => opened.close());

const statusIn = ({ state, revocationReason, notAfter }: CertificateRecord) => {
  if (state === "revoked") return revocationReason === "certificateHold" ? "held" : "revoked";
  return notAfter < now ? "expired" : "active";
};

const timeOf = (time: string | number | undefined, otherwise: number) =>
  time === undefined ? otherwise : new Date(time).getTime();

/** What is wanted, found by looking at every record. */
function wanted(filter: CertificateFilter): readonly CertificateRecord[] {
  const from = timeOf(filter.expiresFrom, 0);
  const to = timeOf(filter.expiresTo, Number.POSITIVE_INFINITY);
  return records.filter(
    (record) =>
      (filter.deviceId === undefined ||
        (record.subjectKind === "device" && record.subjectId === filter.deviceId.toLowerCase())) &&
      (filter.status === undefined || statusIn(record) === filter.status) &&
      (filter.profile === undefined || record.profile === filter.profile) &&
      (filter.authorityId === undefined || record.authorityId === filter.authorityId) &&
      (filter.keyAlgorithm === undefined || record.keyAlgorithm === filter.keyAlgorithm) &&
      record.notAfter >= from &&
      record.notAfter < to,
  );
}

/** The order that `listCertificates` promises: by what, and whether the greatest comes first. */
function orderOf(filter: CertificateFilter): readonly [(record: CertificateRecord) => number, boolean] {
  if (filter.deviceId !== undefined) return [({ createdAt }) => createdAt, true];
  const hasWindow = filter.expiresFrom !== undefined || filter.expiresTo !== undefined;
  if (hasWindow || filter.status === "expired") return [({ notAfter }) => notAfter, false];
  if (filter.status === "revoked" || filter.status === "held") {
    return [({ revokedAt = 0 }) => revokedAt, true];
  }
  return [({ issuedAt = 0 }) => issuedAt, true];
}

function inOrder(filter: CertificateFilter): readonly string[] {
  const [timeOf, isDescending] = orderOf(filter);
  const sorted = [...wanted(filter)].sort(
    (left, right) => timeOf(left) - timeOf(right) || (left.serialNumber < right.serialNumber ? -1 : 1),
  );
  const serials = sorted.map(({ serialNumber }) => serialNumber);
  return isDescending ? serials.reverse() : serials;
}

async function found(
  filter: CertificateFilter,
  limit: number,
  between = async (): Promise<unknown> => undefined,
) {
  const serials: string[] = [];
  let cursor: string | undefined;
  do {
    const place = cursor === undefined ? {} : { cursor };
    const page = await listCertificates(app, { fleet, limit, ...filter, ...place });
    expect(page.certificates.length).toBeLessThanOrEqual(limit);
    serials.push(...page.certificates.map(({ serialNumber }) => serialNumber));
    cursor = page.cursor;
    await between();
  } while (cursor !== undefined);
  return serials;
}

const stored = (serials: readonly string[]) => {
  const known = new Set(records.map(({ serialNumber }) => serialNumber));
  return serials.filter((serial) => known.has(serial));
};

/** Each condition absent or present: all ways to put them together, but for those that are refused. */
function everyCombination(): readonly CertificateFilter[] {
  const choices: readonly (() => Partial<CertificateFilter>)[] = [
    () => ({ deviceId: `DEVICE-${Math.floor(Math.random() * 12)}` }),
    () => ({ status: pick(certificateStatuses) }),
    () => ({ profile: pick(["device", "quarantine"] as const) }),
    () => ({ authorityId: pick(records).authorityId }),
    () => ({ keyAlgorithm: pick(["P-256", "P-384", "Ed25519"]) }),
    () => ({ expiresFrom: new Date(now - 100 * day).toISOString() }),
    () => ({ expiresTo: now + 60 * day }),
  ];
  return Array.from({ length: 2 ** choices.length }, (_, bits) =>
    Object.assign({}, ...choices.map((choice, at) => ((bits >> at) & 1 ? choice() : {}))),
  );
}

describe("a search finds what a look at every record finds", () => {
  it("every combination of conditions, in the promised order", async () => {
    for (const filter of everyCombination()) {
      const limit = pick([1_000, 97, 40]);
      expect(stored(await found(filter, limit)), JSON.stringify(filter)).toEqual(inOrder(filter));
    }
  });

  it.each(certificateStatuses)("status %s: every page boundary", async (status) => {
    for (const limit of [1, 2, 7, 16, 33]) {
      expect(stored(await found({ status, profile: "quarantine" }, limit))).toEqual(
        inOrder({ status, profile: "quarantine" }),
      );
    }
  });

  it("an expiry window holds its beginning and not its end", async () => {
    const { notAfter, serialNumber } = pick(records);
    const from = await found({ expiresFrom: notAfter, expiresTo: notAfter + 1 }, 100);
    expect(from).toContain(serialNumber);
    const to = await found({ expiresFrom: notAfter - 1, expiresTo: notAfter }, 100);
    expect(to).not.toContain(serialNumber);
  });

  it("without conditions that are looked at row by row every page but the last is full", async () => {
    for (const filter of [{}, { deviceId: "device-3" }, { expiresTo: now }] as const) {
      let cursor: string | undefined;
      do {
        const place = cursor === undefined ? {} : { cursor };
        const page = await listCertificates(app, { fleet, limit: 20, ...filter, ...place });
        if (page.cursor !== undefined) expect(page.certificates).toHaveLength(20);
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
  });

  it("misses none and repeats none that was there, while others are issued and revoked", async () => {
    for (const filter of [{}, { status: "revoked" }, { status: "active" }, { status: "expired" }] as const) {
      const serials = await found(filter, 25, () => store(app, [{ ...anyRecord(), subjectId: "late-1" }]));
      expect(new Set(serials).size).toBe(serials.length);
      expect(stored(serials)).toEqual(inOrder(filter));
    }
  });

  it("a hold that is released leaves the search for held ones, and is active again", async () => {
    const held = records.find((record) => statusIn(record) === "held" && record.notAfter > now);
    const { serialNumber } = held ?? expect.fail("none is held");
    const item = await app.items.get(certificateKey(fleet, serialNumber));
    const { value, version } = certificateRecord(item ?? expect.fail("not stored"));
    const { revokedAt: _, revocationReason: __, ...rest } = value;
    await app.items.transact([{ put: certificateItem({ ...rest, state: "issued" }), when: version }]);
    expect(await found({ status: "held" }, 1_000)).not.toContain(serialNumber);
    expect(await found({ status: "active" }, 1_000)).toContain(serialNumber);
    await app.items.transact([{ put: certificateItem(value), when: version + 1 }]);
  });
});

describe("the work of one page is bounded", () => {
  it("a rare kind: short or empty pages with a cursor, some two thousand rows each, and all of it in the end", async () => {
    const other = await openFleetApp();
    const issuedAt = other.app.clock.now();
    const many = Array.from({ length: 6_000 }, (_, at) => madeRecord(issuedAt - at * 1_000));
    const rare = madeRecord(issuedAt - 5_990_500, { keyAlgorithm: "Ed25519" });
    await store(other.app, [...many, rare]);
    let read = 0;
    const items = {
      ...countingStore(other.app.items),
      query: async (query: Parameters<App["items"]["query"]>[0]) => {
        const page = await other.app.items.query(query);
        read += page.items.length;
        return page;
      },
    };
    const pages: { readonly read: number; readonly serials: readonly string[] }[] = [];
    let cursor: string | undefined;
    do {
      read = 0;
      const place = cursor === undefined ? {} : { cursor };
      const request: ListRequest = { fleet, limit: 10, keyAlgorithm: "Ed25519", ...place };
      const page = await listCertificates({ ...other.app, items }, request);
      pages.push({ read, serials: page.certificates.map(({ serialNumber }) => serialNumber) });
      cursor = page.cursor;
    } while (cursor !== undefined);
    await other.close();
    expect(pages.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...pages.map((page) => page.read))).toBeLessThan(2_100);
    expect(pages.flatMap(({ serials }) => serials)).toEqual([rare.serialNumber]);
  });

  it("a page of ten of all is the fleet's read, one of each partition, and few more where they are uneven", async () => {
    const items = countingStore(app.items);
    await listCertificates({ ...app, items }, { fleet, limit: 10 });
    expect(items.calls.reads).toBeGreaterThanOrEqual(17);
    expect(items.calls.reads).toBeLessThanOrEqual(33);
  });
});

describe("a search that cannot be answered", () => {
  const refused: readonly { readonly name: string; readonly filter: CertificateFilter }[] = [
    { name: "an empty window", filter: { expiresFrom: 5, expiresTo: 5 } },
    { name: "a window that ends before it begins", filter: { expiresFrom: 6, expiresTo: 5 } },
    { name: "no time", filter: { expiresFrom: "tomorrow" } },
    { name: "a time that no certificate has", filter: { expiresTo: 8.64e15 } },
    { name: "a device with a server's profile", filter: { deviceId: "device-1", profile: "server" } },
    { name: "an algorithm that is none", filter: { keyAlgorithm: "ROT13" } },
    { name: "an authority of another fleet", filter: { authorityId: "issuing-9" } },
  ];
  it.each(refused)("request_invalid: $name", async ({ filter }) => {
    expect(await codeOf(listCertificates(app, { fleet, limit: 10, ...filter }))).toBe("request_invalid");
  });

  it("cursor_invalid: the cursor of another search", async () => {
    const filters: readonly CertificateFilter[] = [
      {},
      { status: "revoked" },
      { status: "active" },
      { profile: "device" },
      { expiresFrom: now },
      { expiresFrom: now + 1 },
      { deviceId: "device-1" },
      { deviceId: "device-2" },
    ];
    for (const [at, filter] of filters.entries()) {
      const { cursor } = await listCertificates(app, { fleet, limit: 2, ...filter });
      const given = cursor ?? expect.fail("no cursor");
      for (const [other, elsewhere] of filters.entries()) {
        const again = listCertificates(app, { fleet, limit: 3, ...elsewhere, cursor: given });
        if (other === at) expect((await again).certificates.length).toBeGreaterThan(0);
        else expect(await codeOf(again)).toBe("cursor_invalid");
      }
    }
  });

  it("the spelling of a device's id is no other search", async () => {
    const { cursor } = await listCertificates(app, { fleet, limit: 2, deviceId: "device-1" });
    const again = listCertificates(app, { fleet, limit: 2, deviceId: "DEVICE-1", cursor: cursor ?? "" });
    expect((await again).certificates.length).toBeGreaterThan(0);
  });
});
