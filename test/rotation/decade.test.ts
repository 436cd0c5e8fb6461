/** Room: test. A decade of a small fleet, as docs/rotation.md shows it of a large one; and years that go wrong on purpose. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Outcome, sumOf } from "../../scripts/decade/ledger.ts";
import { decadeOptions } from "../../scripts/decade/options.ts";
import { drawDecade } from "../../scripts/decade/plot.ts";
import { fromText, renderOutcome, toText } from "../../scripts/decade/report.ts";
import { simulate } from "../../scripts/decade/simulation.ts";

/** Tasks run seldom here, and are woken as ever. */
const seldom = { rotate: 120, publish: 144, maintain: 144, sample: 240 };
const cheap = { every: seldom, crlWindowDays: 30, openssl: "once" } as const;
const small = { ...decadeOptions, ...cheap, devices: 200 };

const minutes = 60_000;

describe("a decade of 200 devices", () => {
  let outcome: Outcome;
  beforeAll(async () => {
    outcome = await simulate(small);
  }, 8 * minutes);

  it("a root, and issuing authorities below it, follow one another; one of them in an emergency", () => {
    const active = outcome.rollovers.filter(({ entered }) => entered["active"] !== undefined);
    expect(active.filter(({ kind }) => kind === "root")).toHaveLength(1);
    expect(active.filter(({ kind }) => kind === "issuing").length).toBeGreaterThanOrEqual(6);
    expect(active.filter(({ emergency }) => emergency)).toHaveLength(1);
    expect(outcome.rollovers.filter(({ createdBy }) => createdBy !== "system")).toHaveLength(1);
    expect(active.filter(({ entered }) => entered["destroyed"] !== undefined).length).toBeGreaterThanOrEqual(
      5,
    );
  });

  it("RFC 9810 §4.4: with the trust that it holds, every device validates every backend, and the other way round", () => {
    expect(outcome.years.map(({ hours }) => hours).reduce((sum, hours) => sum + hours)).toBe(3_653 * 24);
    expect(sumOf(outcome.years, "validations")).toBeGreaterThan(200_000_000);
    expect(sumOf(outcome.years, "noPath")).toBe(0);
    expect(sumOf(outcome.years, "unbelieved")).toBe(0);
    expect(outcome.failures.filter((failure) => failure.endsWith(": noPath"))).toEqual([]);
  });

  it("a device that slept through the end of a root finds no path until it has looked, and knows it: its manifest has run out", () => {
    const years = outcome.years.filter(({ staleTrust }) => staleTrust > 0).map(({ year }) => year);
    expect(years.every((year) => year >= 2033)).toBe(true);
    expect(sumOf(outcome.years, "staleTrust")).toBeLessThan(sumOf(outcome.years, "expired"));
  });

  it("the paths are many: several chains, several trusts, devices that lag behind", () => {
    expect(outcome.sources).toBeGreaterThanOrEqual(8);
    expect(outcome.trustSets).toBeGreaterThanOrEqual(8);
    expect(outcome.pairs).toBeGreaterThan(2 * outcome.sources);
    expect(outcome.walks).toBeGreaterThan(sumOf(outcome.years, "trustVersions"));
  });

  it("only the certificates of a lost authority are refused for what they are, and only from then on", () => {
    const refused = outcome.years.filter(({ lostAuthority }) => lostAuthority > 0).map(({ year }) => year);
    expect(refused.every((year) => year === 2031 || year === 2032)).toBe(true);
  });

  it("RFC 5280 §6.1: no certificate outlives its issuer", () => {
    expect(outcome.certificates).toBeGreaterThan(10_000);
    expect(outcome.outlivesIssuer).toBe(0);
  });

  it("SP 800-57 Part 1 r5 §5.3.6: no key is used past its cryptoperiod and grace, or signs lists past its recipients' period", () => {
    const kinds = [
      "root",
      "issuing",
      "ocspResponder",
      "trustManifestSigner",
      "keyEncryption",
      "device",
      "server",
    ];
    expect([...outcome.keys.keys()].toSorted()).toEqual(kinds.toSorted());
    const late = [...outcome.keys, ...outcome.draining].filter(([, { longest, limit }]) => longest >= limit);
    expect(late).toEqual([]);
  });

  it("renewals of a day are spread: of 200 devices never more than 4 % in one hour, outside of an emergency", () => {
    // 2 % are four devices here, and a chance of few; of 10,000 devices docs/rotation.md has the peak.
    expect(Math.max(...outcome.years.map(({ peak }) => peak))).toBeLessThanOrEqual(4);
    expect(sumOf(outcome.years, "renewals")).toBeGreaterThan(10_000);
  });

  it("people are asked for ceremonies and destructions alone, and no step of a task fails", () => {
    expect(outcome.failedSteps).toBe(0);
    expect(outcome.otherTasks).toEqual([]);
    expect(outcome.ceremonies).toBeGreaterThan(40);
    expect(outcome.notices.get("key.overdue")).toBeUndefined();
    expect(outcome.notices.get("key.refused")).toBeUndefined();
  });

  it("devices that were off too long come back by the quarantine rule, or by people", () => {
    expect(sumOf(outcome.years, "quarantined")).toBeGreaterThan(0);
    expect(sumOf(outcome.years, "enrolledAnew")).toBeGreaterThan(0);
    expect(sumOf(outcome.years, "expired")).toBeGreaterThan(0);
  });

  it("the report and the plot say what came out, and read back are the same", () => {
    const again = fromText(toText(outcome));
    expect(renderOutcome(again)).toBe(renderOutcome(outcome));
    expect(drawDecade(again)).toBe(drawDecade(outcome));
    expect(drawDecade(outcome)).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("what must fail does", () => {
  it(
    "a backend that keeps one manifest for years loses the devices once its root has retired",
    async () => {
      const pinned = [{ name: "pinned-for-years", everyDays: 3_000, behindDays: 0 }];
      const { emergencyDay: _, pullDay: __, ...calm } = small;
      const outcome = await simulate({ ...calm, devices: 10, days: 2_540, backends: pinned });
      expect(outcome.failures.filter((failure) => failure.endsWith(": noPath")).length).toBeGreaterThan(0);
      const lost = outcome.years.filter(({ noPath }) => noPath > 0).map(({ year }) => year);
      expect(Math.min(...lost)).toBeGreaterThanOrEqual(2033);
    },
    5 * 60_000,
  );

  it("chance is the same in every run: the same seed, the same decade", async () => {
    const short = { ...small, devices: 50, days: 120, emergencyDay: 60, pullDay: 90 };
    const [one, other] = [await simulate(short), await simulate(short)];
    expect(toText(other)).toBe(toText(one));
  }, 60_000);
});
