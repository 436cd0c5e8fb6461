import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { indexAttributes } from "../../adapters/aws/dynamodb/table-schema.ts";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import type { App, AttributeValue, IndexName, ItemStore, NewItem, WriteOperation } from "../../core/ports.ts";
import { fleetSizes, monthlyCost, monthlyTotal, renderCosts } from "../../scripts/costs/render.ts";
import { monthlyActs, monthlyUsage } from "../../scripts/costs/usage.ts";
import { type Act, acts, writeUnits, writeUnitsOf } from "../../scripts/costs/writes.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

/** Longer than the local key id of the test, as one of KMS is. */
const kmsKeyId = "P-256:arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000";

/** Octets of a value as DynamoDB counts them: numbers two digits each and one more, lists one more each and three. */
function octetsOf(value: AttributeValue): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return Math.ceil(String(value).length / 2) + 1;
  if (typeof value === "boolean") return 1;
  if (value instanceof Uint8Array) return value.length;
  return value.reduce((sum, one) => sum + 1 + octetsOf(one), 3);
}

function octetsOfItem(item: NewItem): number {
  const own = { pk: item.pk, sk: item.sk, version: 1, expiresAt: item.expiresAt ?? 0 };
  const named = (values: object): [string, AttributeValue][] =>
    Object.entries(values).filter(([, value]) => value !== undefined);
  const sum = (values: object, each = 0): number =>
    named(values).reduce((octets, [name, value]) => octets + name.length + octetsOf(value) + each, 0);
  const keyId = "keyId" in item.attributes ? { ...item.attributes, keyId: kmsKeyId } : item.attributes;
  const indexes = Object.entries(item.indexes ?? {}).reduce((octets, [index, key]) => {
    const names = indexAttributes(index as IndexName);
    // The index's sort key is followed by the item's own key: see adapters/aws/dynamodb/index-sort-key.ts.
    return octets + sum({ [names.pk]: key.pk, [names.sk]: `${key.sk}${item.pk}${item.sk}` }) + 2;
  }, 0);
  return sum(own) + "attributes".length + 3 + sum(keyId, 1) + indexes;
}

interface Written {
  readonly octets: number;
  readonly indexWrites: number;
}

/** Records what is written; an index is written for an item that enters it, stays in it or leaves it. */
function recordingStore(items: ItemStore) {
  const written: Written[][] = [];
  let reads = 0;
  const indexesOf = new Map<string, readonly string[]>();
  const record = (item: NewItem): Written => {
    const key = `${item.pk} ${item.sk}`;
    const now = Object.keys(item.indexes ?? {});
    const touched = new Set([...now, ...(indexesOf.get(key) ?? [])]);
    indexesOf.set(key, now);
    return { octets: octetsOfItem(item), indexWrites: touched.size };
  };
  const recordOperation = (operation: WriteOperation): Written => {
    if ("put" in operation) return record(operation.put);
    const { pk, sk } = "check" in operation ? operation.check : operation.delete;
    return { octets: octetsOf(pk) + octetsOf(sk), indexWrites: 0 };
  };
  const store: ItemStore = {
    get: (key) => {
      reads += 1;
      return items.get(key);
    },
    query: (query) => {
      reads += 1;
      return items.query(query);
    },
    transact: (operations) => {
      written.push(operations.map(recordOperation));
      return items.transact(operations);
    },
  };
  const take = () => {
    const since = { written: written.splice(0), reads };
    reads = 0;
    return since;
  };
  return { store, take };
}

let opened: FleetApp;
let app: App;
let taken: Record<"token" | "enrolment" | "renewal", ReturnType<ReturnType<typeof recordingStore>["take"]>>;
beforeAll(async () => {
  opened = await openFleetApp();
  const { store, take } = recordingStore(opened.app.items);
  app = { ...opened.app, items: store };
  const deviceId = "0e8f2c4a-6b1d-4c3e-9f50-7a8b9c0d1e2f";
  const { token: text } = await createEnrollmentToken(app, { fleet, actor: "operator:operator-1", deviceId });
  const token = take();
  const { certificate } = await enroll(app, { fleet, token: text, csr: deviceCsr(deviceKey()) });
  const enrolment = take();
  const client = await authenticateClientCertificate(app, { certificate });
  await renew(app, { fleet, client, csr: deviceCsr(deviceKey()) });
  taken = { token, enrolment, renewal: take() };
});
afterAll(() => opened.close());

describe.each(Object.entries(acts) as [keyof typeof acts, Act][])(
  "%s as the cost table counts it",
  (name, act) => {
    it("reads as often", () => {
      expect(taken[name].reads).toBe(act.reads);
    });

    it("writes the same items, each of as many units, to as many indexes", () => {
      const units = (writes: readonly (readonly Written[])[]) =>
        writes.map((transaction) =>
          transaction
            .map(({ octets, indexWrites }) => writeUnits({ item: "", octets, indexWrites }))
            .sort((a, b) => a - b),
        );
      expect(units(taken[name].written)).toEqual(units(act.transactions));
    });

    it("names sizes within a fifth of the real ones", () => {
      const sizes = (writes: readonly (readonly Written[])[]) =>
        writes.flatMap((transaction) => transaction.map(({ octets }) => octets).sort((a, b) => a - b));
      const named = sizes(act.transactions);
      for (const [index, octets] of sizes(taken[name].written).entries()) {
        expect(octets / (named[index] ?? 0)).toBeGreaterThan(0.8);
        expect(octets / (named[index] ?? 0)).toBeLessThan(1.2);
      }
    });
  },
);

describe("write request units", () => {
  it.each([
    { octets: 1, indexWrites: 0, units: 2 },
    { octets: 1_024, indexWrites: 0, units: 2 },
    { octets: 1_025, indexWrites: 0, units: 4 },
    { octets: 1_025, indexWrites: 3, units: 16 },
  ])("$octets octets and $indexWrites index writes in a transaction: $units", ({ units, ...write }) => {
    expect(writeUnits({ item: "", ...write })).toBe(units);
  });
});

describe("arithmetic", () => {
  it("90 days renewed after two thirds: six renewals a year and a month's part of one", () => {
    expect((12 * monthlyActs(1).renewals).toFixed(4)).toBe((365.25 / 60).toFixed(4));
  });

  it("a million devices: one Sign a certificate, at 0.15 dollars for ten thousand", () => {
    const { renewals, enrolments } = monthlyActs(1_000_000);
    expect(monthlyCost("kmsSign", 1_000_000)).toBeCloseTo(((renewals + enrolments) * 0.15) / 10_000, 10);
    const { renewal, enrolment, token } = acts;
    const units =
      renewals * writeUnitsOf(renewal) + enrolments * (writeUnitsOf(enrolment) + writeUnitsOf(token));
    expect(monthlyUsage(1_000_000).dynamoWrite).toBeCloseTo(units, 6);
  });

  it("every price has a quantity, none of them negative, and idle costs no signature", () => {
    for (const devices of fleetSizes)
      for (const units of Object.values(monthlyUsage(devices))) expect(units).toBeGreaterThanOrEqual(0);
    expect(monthlyUsage(0)).toMatchObject({ kmsSign: 0, dynamoWrite: 0, httpApi: 0 });
  });

  it("grows with the fleet, and slower than the fleet", () => {
    const [idle = 0, small = 0, medium = 0, large = 0] = fleetSizes.map(monthlyTotal);
    expect(idle).toBeLessThan(small);
    expect(small).toBeLessThan(medium);
    expect(large).toBeLessThan(10 * medium);
  });
});

describe("docs/costs.md", () => {
  it("is what the figures say", () => {
    expect(readFileSync("docs/costs.md", "utf8")).toBe(renderCosts());
  });
});
