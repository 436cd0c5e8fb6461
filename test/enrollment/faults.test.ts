/**
 * Room: test. Success followed by a timeout, and plain failure, of the store and of the key service, at every
 * step of issuance: whoever asks again gets the one certificate. Nothing lost, nothing issued twice.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import type { IssuedCertificate } from "../../core/enrollment/answer.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { reconcile } from "../../core/enrollment/reconciler.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { type ErrorCode, isAppError } from "../../core/errors.ts";
import { decodeTbsCertificate, serialNumberHex } from "../../core/formats/x509/tbs-certificate.ts";
import type { App } from "../../core/ports.ts";
import { openPartition } from "../../core/records/certificate-record.ts";
import { shards } from "../../core/records/shard.ts";
import { type Random, seededRandom } from "../formats/seeded-random.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type Fault, type FaultyKeys, faultyKeys } from "../support/faulty-keys.ts";
import { type FaultyStore, faultyStore, type StoreFault } from "../support/faulty-store.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";
import { type PatientClock, patientClock } from "../support/patient-clock.ts";

/** What goes wrong, in order; when a list is at its end, nothing does. */
interface Schedule {
  readonly transactions: StoreFault[];
  readonly signatures: Fault[];
}

let opened: FleetApp;
let clock: PatientClock;
let items: FaultyStore;
let keys: FaultyKeys;
let app: App;
let schedule: Schedule;
let fired: Map<string, number>;

beforeEach(async () => {
  opened = await openFleetApp();
  schedule = { transactions: [], signatures: [] };
  fired = new Map();
  const next = <Kind extends string>(what: string, list: Kind[], none: Kind): Kind => {
    const fault = list.shift() ?? none;
    fired.set(`${what} ${fault}`, (fired.get(`${what} ${fault}`) ?? 0) + 1);
    return fault;
  };
  clock = patientClock(opened.clock.now());
  items = faultyStore(opened.app.items, () => next("transaction", schedule.transactions, "none"));
  keys = faultyKeys(opened.app.keys, () => next("signature", schedule.signatures, "none"));
  app = { ...opened.app, clock, items, keys };
});
afterEach(() => opened.close());

type Ask = () => Promise<IssuedCertificate>;

async function enrolment(deviceId: string): Promise<Ask> {
  const { token } = await createEnrollmentToken(app, { fleet, actor: "operator:operator-1", deviceId });
  const csr = deviceCsr(deviceKey());
  return () => enroll(app, { fleet, token, csr });
}

/** Through the door each time, as a device that retries does. */
async function renewal(deviceId: string): Promise<Ask> {
  const { certificate } = await (await enrolment(deviceId))();
  const csr = deviceCsr(deviceKey());
  return async () => {
    const client = await authenticateClientCertificate(app, { certificate });
    return renew(app, { fleet, client, csr });
  };
}

/** Failures after which a client is told to ask again. */
const worthRetry: readonly ErrorCode[] = [
  "store_unavailable",
  "key_service_unavailable",
  "issuance_in_progress",
];

/** Asks until there is an answer, as the device's client does. Any other failure is the test's. */
async function askUntilAnswered(ask: Ask): Promise<IssuedCertificate> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isAppError(error) || !worthRetry.includes(error.code) || attempt === 30) throw error;
      await clock.sleep(200);
    }
  }
}

/** Serial numbers on record since `start`, whatever became of them, with the audit entries of issuance. */
function recordsSince(start: number) {
  const kept = items.kept.slice(start);
  const records = kept.filter(
    ({ sk, attributes }) => sk === "CERTIFICATE" && attributes["renewals"] === undefined,
  );
  const audits = kept.filter(({ attributes }) => attributes["action"] === "certificate.issued");
  return {
    serials: [...new Set(records.map(({ attributes }) => attributes["serialNumber"]))],
    audits: audits.map(({ attributes }) => attributes["subject"]),
  };
}

/** Serial numbers that the key service signed since `start`, whatever became of the signatures. */
const signedSince = (start: number): readonly string[] => {
  const serials = keys.signed.slice(start).map((tbs) => decodeTbsCertificate(tbs).serialNumber);
  return [...new Set(serials.map(serialNumberHex))];
};

async function openIntents(): Promise<number> {
  const pages = await Promise.all(
    shards.map((shard) => opened.app.items.query({ index: "open", pk: openPartition(shard), limit: 1000 })),
  );
  return pages.reduce((count, page) => count + page.items.length, 0);
}

interface Case {
  readonly name: string;
  readonly faults: Partial<Schedule>;
  /** What the first call answers with; whether it left a record; all signatures until the answer. */
  readonly first: ErrorCode;
  readonly left: number;
  readonly signatures: number;
}

const cases: readonly Case[] = [
  {
    name: "the key service signs and its answer is lost",
    faults: { signatures: ["signedThenUnavailable"] },
    first: "key_service_unavailable",
    left: 1,
    signatures: 2,
  },
  {
    name: "the key service does not sign",
    faults: { signatures: ["unavailable"] },
    first: "key_service_unavailable",
    left: 1,
    signatures: 1,
  },
  {
    name: "the intent is recorded and the answer is lost",
    faults: { transactions: ["committedThenUnavailable"] },
    first: "store_unavailable",
    left: 1,
    signatures: 1,
  },
  {
    name: "the intent is not recorded",
    faults: { transactions: ["unavailable"] },
    first: "store_unavailable",
    left: 0,
    signatures: 1,
  },
  {
    name: "the certificate is recorded and the answer is lost",
    faults: { transactions: ["none", "committedThenUnavailable"] },
    first: "store_unavailable",
    left: 1,
    signatures: 1,
  },
  {
    name: "the certificate is not recorded",
    faults: { transactions: ["none", "unavailable"] },
    first: "store_unavailable",
    left: 1,
    signatures: 2,
  },
  {
    name: "the key service signs, its answer is lost, and the lease is not given back",
    faults: { signatures: ["signedThenUnavailable"], transactions: ["none", "unavailable"] },
    first: "key_service_unavailable",
    left: 1,
    signatures: 2,
  },
];

describe.each([
  { kind: "an enrolment", make: enrolment },
  { kind: "a renewal", make: renewal },
])("KMS: success followed by a timeout, $kind", ({ make }) => {
  it.each(cases)(
    "$name: $first, then one certificate, one record, $signatures signatures in all",
    async ({ faults, first, left, signatures }) => {
      const ask = await make("pump-1");
      const start = items.kept.length;
      const signed = keys.signatures;
      schedule.transactions.push(...(faults.transactions ?? []));
      schedule.signatures.push(...(faults.signatures ?? []));
      expect(await clock.run(() => codeOf(ask()))).toBe(first);
      expect(recordsSince(start).serials).toHaveLength(left);
      const issued = await clock.run(ask);
      expect(recordsSince(start)).toEqual({ serials: [issued.serialNumber], audits: [issued.serialNumber] });
      expect(keys.signatures - signed).toBe(signatures);
      expect(signedSince(signed)).toEqual([issued.serialNumber]);
      expect(await clock.run(ask)).toEqual(issued);
      expect(keys.signatures - signed).toBe(signatures);
      expect(await openIntents()).toBe(0);
    },
  );

  it("a device that never asks again leaves nothing open: the reconciler issues what was recorded", async () => {
    const ask = await make("pump-1");
    const start = items.kept.length;
    schedule.transactions.push("committedThenUnavailable");
    expect(await clock.run(() => codeOf(ask()))).toBe("store_unavailable");
    expect(await reconcile(app)).toMatchObject({ finished: 0, closed: 0, failed: 0 });
    await clock.run(() => clock.sleep(10_001));
    expect(await reconcile(app)).toMatchObject({ finished: 1, closed: 0, failed: 0 });
    const { serials, audits } = recordsSince(start);
    expect(serials).toHaveLength(1);
    expect(audits).toEqual(serials);
    expect(await openIntents()).toBe(0);
  });
});

const seed = 20_260_312;
const schedules = 200;
const callers = 4;

function randomSchedule(random: Random): Schedule {
  const store = ["none", "none", "unavailable", "committedThenUnavailable"] as const;
  const service = ["none", "unavailable", "signedThenUnavailable"] as const;
  return {
    transactions: Array.from({ length: random.below(7) }, () => random.pick(store)),
    signatures: Array.from({ length: random.below(4) }, () => random.pick(service)),
  };
}

describe(`${schedules} random schedules of faults, seed ${seed}, ${callers} callers at once`, () => {
  it("0 lost, 0 issued twice, and no signature beyond one and one for each fault that wasted one", async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < schedules; round += 1) {
      const ask = await (round % 2 === 0 ? enrolment : renewal)(`pump-${round}`);
      const [start, signed] = [items.kept.length, keys.signatures];
      const drawn = randomSchedule(random);
      schedule.transactions.push(...drawn.transactions);
      schedule.signatures.push(...drawn.signatures);
      const answers = await Promise.all(
        Array.from({ length: callers }, () => clock.run(() => askUntilAnswered(ask))),
      );
      const label = `round ${round}: ${JSON.stringify(drawn)}`;
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size, label).toBe(1);
      const serials = [...new Set(answers.map(({ serialNumber }) => serialNumber))];
      expect(recordsSince(start), label).toEqual({ serials, audits: serials });
      expect(signedSince(signed), label).toEqual(serials);
      // A signature is wasted when its answer, or the record of its certificate, does not arrive.
      const wasted = [
        ...drawn.signatures.filter((fault) => fault === "signedThenUnavailable"),
        ...drawn.transactions.filter((fault) => fault === "unavailable"),
      ];
      expect(keys.signatures - signed, label).toBeLessThanOrEqual(1 + wasted.length);
      expect(await openIntents(), label).toBe(0);
      schedule.transactions.length = 0;
      schedule.signatures.length = 0;
    }
    for (const kind of ["transaction unavailable", "transaction committedThenUnavailable"]) {
      expect(fired.get(kind), kind).toBeGreaterThan(100);
    }
    for (const kind of ["signature unavailable", "signature signedThenUnavailable"]) {
      expect(fired.get(kind), kind).toBeGreaterThan(50);
    }
  }, 60_000);
});
