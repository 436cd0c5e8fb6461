/** Room: test. Notices of expiry: each once for each number of days, over a hundred simulated days and more. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tellExpiries } from "../../core/distribution/expiry-notices.ts";
import { AppError } from "../../core/errors.ts";
import { encodeNotice } from "../../core/notice.ts";
import type { App, ItemStore, Notice } from "../../core/ports.ts";
import type { CertificateRecord } from "../../core/records/certificate-record.ts";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import { countingStore } from "../support/counting-store.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";
import { day, madeRecord, store } from "./stored-certificates.ts";

const hour = 3_600_000;
const forever = Number.POSITIVE_INFINITY;
const thresholds = [30, 14, 7, 1] as const;
let opened: FleetApp;
let notices: Notice[];
let app: App & { readonly notifier: { notify(notice: Notice): Promise<void> } };
beforeEach(async () => {
  opened = await openFleetApp();
  notices = [];
  const notify = async (notice: Notice): Promise<void> => {
    encodeNotice(notice);
    notices.push(notice);
  };
  app = { ...opened.app, notifier: { notify } };
});
afterEach(() => opened.close());

const random = (below: number): number => Math.floor(Math.random() * below);

/** Of a subject of its own. */
function record(
  kind: "device" | "server" | "operator",
  notAfter: number,
  validity = 90 * day,
): CertificateRecord {
  return madeRecord(notAfter - validity, {
    notAfter,
    subjectKind: kind,
    profile: kind,
    subjectId: `${kind}-${Math.random().toString(36).slice(2)}`,
  });
}

/** Runs each `step` for so many days. */
async function live(
  days: number,
  step = 6 * hour,
  run: () => Promise<unknown> = () => tellExpiries(app, fleet, forever),
) {
  for (let passed = 0; passed <= days * day; passed += step) {
    await run();
    opened.clock.advance(step);
  }
}

const of = (event: string) => notices.filter((notice) => notice.event === event);
const told = ({ serialNumber }: CertificateRecord) =>
  of("certificate.expiring")
    .filter(({ subject }) => subject === serialNumber)
    .map(({ measures }) => measures?.["days"]);
const digests = (days: number) =>
  of("certificates.expiring").flatMap(({ measures }) =>
    measures?.["days"] === days ? [measures["certificates"] ?? 0] : [],
  );
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe("over a hundred days", () => {
  it("each server and operator once a threshold, devices in one digest a day and threshold", async () => {
    const now = opened.clock.now();
    const late = () => now + 31 * day + random(68 * day);
    const servers = Array.from({ length: 40 }, () => record("server", late()));
    const operators = Array.from({ length: 20 }, () => record("operator", late()));
    const devices = Array.from({ length: 600 }, () => record("device", late()));
    await store(app, [...servers, ...operators, ...devices]);
    await live(100);
    for (const each of [...servers, ...operators]) expect(told(each)).toEqual([30, 14, 7, 1]);
    const byDay = Map.groupBy(devices, ({ notAfter }) => Math.floor(notAfter / day));
    const expected = [...byDay].sort(([left], [right]) => left - right).map(([, ending]) => ending.length);
    for (const days of thresholds) expect(digests(days)).toEqual(expected);
    expect(of("certificate.expiring")).toHaveLength(60 * thresholds.length);
  });

  it("a week before and later it is a warning; no notice names a device", async () => {
    const now = opened.clock.now();
    await store(app, [record("server", now + 40 * day), record("device", now + 40 * day)]);
    await live(41);
    for (const { measures, severity } of notices) {
      expect(severity).toBe((measures?.["days"] ?? 0) <= 7 ? "warning" : "information");
    }
    expect(of("certificates.expiring").every(({ subject }) => subject === undefined)).toBe(true);
    expect(notices).toHaveLength(2 * thresholds.length);
  });
});

describe("nobody is told of", () => {
  it("what was revoked, held, or has a successor in force for longer", async () => {
    const end = opened.clock.now() + 40 * day;
    const revokedAt = opened.clock.now();
    const revoked = { ...record("server", end), state: "revoked", revokedAt } as const;
    const hold = { state: "revoked", revokedAt, revocationReason: "certificateHold" } as const;
    const held = { ...record("server", end), ...hold };
    const renewed = { ...record("server", end), renewals: 1 };
    const enrolledAgain = record("server", end);
    const successor = { ...record("server", end + 300 * day), subjectId: enrolledAgain.subjectId };
    await store(app, [revoked, held, renewed, enrolledAgain, successor]);
    await live(45);
    expect(notices).toEqual([]);
  });

  it("what never had so many days", async () => {
    const now = opened.clock.now();
    await live(1);
    const week = record("server", now + 8 * day, 7 * day);
    await store(app, [week, record("device", now + 8 * day, 7 * day - 1_000)]);
    await live(9);
    expect(told(week)).toEqual([1]);
    expect([30, 14, 7].flatMap(digests)).toEqual([]);
    expect(digests(1)).toEqual([1]);
  });

  it("all that is near when a fleet is looked at for the first time", async () => {
    const now = opened.clock.now();
    const near = record("server", now + 6 * day);
    await store(app, [near, record("device", now + 6 * day)]);
    await live(10);
    expect(told(near)).toEqual([1]);
    expect([30, 14, 7].flatMap(digests)).toEqual([]);
  });

  it("a key of the service before its own renewal is overdue", async () => {
    const end = opened.clock.now() + 20 * day;
    const responder = {
      ...record("server", end, 14 * day),
      subjectKind: "service",
      profile: "ocspResponder",
    } as const;
    await store(app, [responder]);
    await live(21);
    expect(told(responder)).toEqual([1]);
  });

  it("a backend before its own renewal is overdue", async () => {
    const end = opened.clock.now() + 31 * day;
    const backend = {
      ...record("server", end, 30 * day),
      subjectKind: "backend",
      profile: "backend",
    } as const;
    await store(app, [backend]);
    await live(32);
    expect(told(backend)).toEqual([7, 1]);
  });
});

describe("the revoked successor of a certificate", () => {
  it("is none", async () => {
    const end = opened.clock.now() + 10 * day;
    const first = record("server", end);
    const next = { ...record("server", end + 30 * day), subjectId: first.subjectId } as const;
    await store(app, [first, { ...next, state: "revoked", revokedAt: end }]);
    await live(12);
    expect(told(first)).toEqual([7, 1]);
  });
});

/** Dies before or after a write now and then. */
function dyingStore(items: ItemStore): ItemStore {
  const die = () => {
    if (Math.random() < 0.1) throw new AppError("store_unavailable", "died", { retryAfter: 1 });
  };
  return {
    get: (key) => items.get(key),
    query: (query) => items.query(query),
    async transact(operations) {
      die();
      await items.transact(operations);
      die();
    },
  };
}

describe("whatever dies", () => {
  it("is told again, never not at all; two that tell at once tell a thing twice at most", async () => {
    const now = opened.clock.now();
    const servers = Array.from({ length: 30 }, () => record("server", now + 31 * day + random(20 * day)));
    const devices = Array.from({ length: 200 }, () => record("device", now + 31 * day + random(20 * day)));
    await store(app, [...servers, ...devices]);
    const two = async () => {
      await Promise.allSettled([tellExpiries(app, fleet, forever), tellExpiries(app, fleet, forever)]);
    };
    await live(53, 6 * hour, two);
    for (const each of servers) {
      for (const days of thresholds) {
        const times = told(each).filter((count) => count === days).length;
        expect(times).toBeGreaterThanOrEqual(1);
        expect(times).toBeLessThanOrEqual(2);
      }
    }
  });

  it("a store that loses answers, a notifier that fails: each notice comes", async () => {
    const now = opened.clock.now();
    const servers = Array.from({ length: 30 }, () => record("server", now + 31 * day + random(20 * day)));
    const devices = Array.from({ length: 200 }, () => record("device", now + 31 * day + random(20 * day)));
    await store(app, [...servers, ...devices]);
    const notify = async (notice: Notice): Promise<void> => {
      if (Math.random() < 0.1) throw new AppError("notifier_unavailable", "timed out", { retryAfter: 1 });
      await app.notifier.notify(notice);
    };
    const dying = { ...app, items: dyingStore(app.items), notifier: { notify } };
    const tell = () => tellExpiries(dying, fleet, forever).catch(() => 0);
    await live(55, 3 * hour, tell);
    for (const each of servers) expect(new Set(told(each))).toEqual(new Set(thresholds));
    for (const days of thresholds) expect(sum(digests(days))).toBeGreaterThanOrEqual(200);
  });
});

describe("the work of a run", () => {
  it("that has nothing to tell: the fleet, the marks, and one look at each partition for each threshold", async () => {
    await tellExpiries(app, fleet, forever);
    opened.clock.advance(hour);
    const items = countingStore(app.items);
    await tellExpiries({ ...app, items }, fleet, forever);
    expect(items.calls.reads).toBeLessThanOrEqual(2 + 2 * 16 * thresholds.length);
    const again = countingStore(app.items);
    await tellExpiries({ ...app, items: again }, fleet, forever);
    expect(again.calls).toEqual({ reads: 2, transactions: 0 });
  });

  it("ends when its time is over, and the next one goes on", async () => {
    const end = opened.clock.now() + 31 * day;
    await tellExpiries(app, fleet, forever);
    await store(
      app,
      Array.from({ length: 1_000 }, () => record("device", end)),
    );
    opened.clock.advance(2 * day);
    expect(await tellExpiries(app, fleet, opened.clock.now())).toBe(0);
    await live(0);
    expect(digests(30)).toEqual([1_000]);
  });

  it("a fleet that wants none has none; a threshold that is new begins with what comes", async () => {
    const now = opened.clock.now();
    const configured = (expiryNoticeDays: readonly number[]) =>
      configurationItem(fleet, { ...defaultConfiguration, expiryNoticeDays });
    await app.items.transact([{ put: configured([]), when: "absent" }]);
    const server = record("server", now + 10 * day);
    await store(app, [server]);
    await live(2);
    await app.items.transact([{ put: configured([7]), when: 1 }]);
    await live(2);
    await app.items.transact([{ put: configured([7, 3]), when: 2 }]);
    await live(5);
    expect(told(server)).toEqual([7, 3]);
  });

  it("thresholds that replace all others are followed from then on", async () => {
    const now = opened.clock.now();
    const configured = (expiryNoticeDays: readonly number[]) =>
      configurationItem(fleet, { ...defaultConfiguration, expiryNoticeDays });
    await app.items.transact([{ put: configured([30, 14]), when: "absent" }]);
    const server = record("server", now + 12 * day);
    await store(app, [server]);
    await live(1);
    await app.items.transact([{ put: configured([9]), when: 1 }]);
    await live(6);
    expect(told(server)).toEqual([9]);
  });
});
