/** Room: test. Each certificate's own time to renew, and that a fleet which was enrolled at once never renews at once. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { renewAfter } from "../../core/enrollment/answer.ts";
import { windowFor } from "../../core/enrollment/renewal-info.ts";
import { renewalPlace, renewalTime } from "../../core/enrollment/renewal-time.ts";
import type { CertificateRecord } from "../../core/records/certificate-record.ts";
import type { RenewalWindow } from "../../core/records/renewal-window-record.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { rotationStandard } from "../../core/standard/rotation.ts";

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.parse("2026-03-01T12:00:00Z");

const certificate = (serialNumber: string, changes: Partial<CertificateRecord> = {}) =>
  ({
    fleet: "default",
    serialNumber,
    state: "issued",
    profile: "device",
    authorityId: "issuing-1",
    notBefore: start,
    notAfter: start + 90 * day,
    createdAt: start,
    issuedAt: start,
    ...changes,
  }) as CertificateRecord;

/** A fleet of 10,000 that was enrolled within one hour, an even flow of serial numbers as they are drawn. */
const fleet = Array.from({ length: 10_000 }, (_, index) => {
  const at = start + Math.floor((index * hour) / 10_000);
  const times = { notBefore: at, notAfter: at + 90 * day, createdAt: at, issuedAt: at };
  return certificate(randomBytes(16).toString("hex"), times);
});

/** The largest number of `times` in an hour, wherever that hour begins. */
function peak(times: readonly number[]): number {
  const sorted = times.toSorted((one, other) => one - other);
  let most = 0;
  let first = 0;
  for (const [index, time] of sorted.entries()) {
    while ((sorted[first] ?? time) <= time - hour) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

const window: RenewalWindow = {
  windowId: "0".repeat(32),
  issuedBefore: start + 2 * day,
  from: start + 3 * day,
  until: start + 10 * day,
  reason: "superseded",
  createdAt: start + 2 * day,
  createdBy: "operator:x",
};

describe("a fleet of 10,000 that was enrolled within one hour", () => {
  it("renews with no more than 2 % of it in any hour", () => {
    expect(peak(fleet.map(renewalTime))).toBeLessThanOrEqual(200);
  });

  it("pulled into the shortest window that is no emergency, in an hour no more than 2 % either", () => {
    expect(window.until - window.from).toBe(rotationStandard.renewalWindowMinimumHours * hour);
    const starts = fleet.map((each) => windowFor(each, [window], start).start);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(window.from);
    expect(Math.max(...starts)).toBeLessThan(window.until);
    expect(peak(starts)).toBeLessThanOrEqual(200);
  });

  it("whoever takes a random time of its window (RFC 9773 §4.2) keeps to that too", () => {
    const chosen = fleet.map((each) => {
      const own = windowFor(each, [window], start);
      return own.start + Math.random() * (own.end - own.start);
    });
    expect(peak(chosen)).toBeLessThanOrEqual(200);
  });
});

describe("the time to renew", () => {
  it("is between 57 and 67 percent of a device's life, by its serial number alone", () => {
    const share = fleet.map((each) => (renewalTime(each) - each.notBefore) / (90 * day));
    expect(Math.min(...share)).toBeGreaterThan(2 / 3 - 0.1 - 1e-6);
    expect(Math.max(...share)).toBeLessThanOrEqual(2 / 3);
    const [one] = fleet;
    expect(one && renewalTime({ ...one })).toBe(one && renewalTime(one));
  });

  it.each(["server", "operator", "claim", "quarantine"] as const)(
    "of a %s is its profile's share",
    (profile) => {
      const record = certificate("4f1c", { profile });
      expect(renewalTime(record)).toBe(Math.floor(start + 90 * day * profiles[profile].renewAfterFraction));
    },
  );

  it("is what enrolment answers as renewAfter, to the second", () => {
    const record = certificate("4f1c");
    expect(Date.parse(renewAfter(record))).toBe(Math.floor(renewalTime(record) / 1000) * 1000);
  });

  it("a place is from 0 on and below 1", () => {
    const places = fleet.map(({ serialNumber }) => renewalPlace(serialNumber));
    expect(places.every((place) => place >= 0 && place < 1)).toBe(true);
  });
});

describe("a window that people pulled forward", () => {
  const record = certificate("4f1c0a9be27d5583");

  it("leaves alone what another authority issued, and what was issued since", () => {
    const own = { start: renewalTime(record), end: renewalTime(record) + hour };
    expect(windowFor(record, [{ ...window, authorityId: "issuing-2" }], start)).toEqual(own);
    const later = { ...record, createdAt: window.issuedBefore, issuedAt: window.issuedBefore };
    expect(windowFor(later, [window], start)).toEqual(own);
    expect(windowFor(record, [{ ...window, authorityId: "issuing-1" }], start).start).toBeLessThan(own.start);
  });

  it("never puts a renewal off", () => {
    const late = { ...window, from: start + 80 * day, until: start + 85 * day };
    expect(windowFor(record, [late], start)).toEqual(windowFor(record, [], start));
  });

  it("of several the soonest place counts, whatever their order", () => {
    const sooner = {
      ...window,
      windowId: "1".repeat(32),
      from: window.from - day,
      until: window.until - day,
    };
    const both = [
      [window, sooner],
      [sooner, window],
    ];
    for (const windows of both)
      expect(windowFor(record, windows, start).pulled?.windowId).toBe(sooner.windowId);
  });

  it("RFC 9773 §4.2: that of a revoked certificate is over, that of one on hold is not", () => {
    const now = start + day;
    const revoked = {
      ...record,
      state: "revoked",
      revokedAt: now,
      revocationReason: "keyCompromise",
    } as const;
    expect(windowFor(revoked, [], now).end).toBeLessThan(now);
    expect(windowFor({ ...revoked, revokedAt: now + hour }, [], now).end).toBeLessThan(now);
    const held = { ...revoked, revocationReason: "certificateHold" };
    expect(windowFor(held, [], now)).toEqual(windowFor(record, [], now));
  });
});
