/**
 * Room: test/judges. "KMS grants become consistent late; throttling; success followed by a timeout": of all requests
 * to KMS and DynamoDB half are throttled, and three in ten are carried out although their answer never comes; of those
 * to sign one in twenty is denied, as while a grant is on its way. 2,000 devices ask until they have an answer. None
 * is lost, none is issued twice. The clients try more often and pause less than those that are deployed, so that
 * there is time for all these faults; what is above them is the same.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IssuedCertificate } from "../../core/enrollment/answer.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { reconcile } from "../../core/enrollment/reconciler.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { type ErrorCode, isAppError } from "../../core/errors.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { decodeTbsCertificate, serialNumberHex } from "../../core/formats/x509/tbs-certificate.ts";
import type { IndexName, Item } from "../../core/ports.ts";
import {
  certificateRecord,
  issuePartition,
  openPartition,
  timeKey,
} from "../../core/records/certificate-record.ts";
import { shards } from "../../core/records/shard.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { addFleet, testFleet as fleet } from "../support/fleet-app.ts";
import { patientClock } from "../support/patient-clock.ts";
import { type AwsApp, type AwsEmulators, startAwsEmulators } from "./support/aws-app.ts";
import {
  type FaultyRequests,
  faultyRequests,
  type Request,
  type RequestFault,
} from "./support/faulty-requests.ts";
import { impatientRetries } from "./support/impatient-retries.ts";

const devices = 2_000;
const atOnce = 16;

/** What a device is told to ask again after. */
const worthRetry: readonly ErrorCode[] = [
  "store_unavailable",
  "key_service_unavailable",
  "issuance_in_progress",
];

interface Outcome {
  /** What the devices hold: serial number and PEM. */
  readonly certificates: ReadonlyMap<string, string>;
  /** Serial numbers in the TBS of every Sign that KMS carried out. */
  readonly signed: readonly string[];
  readonly asked: number;
}

let emulators: AwsEmulators;
let clean: AwsApp;
let requests: FaultyRequests;
let outcome: Outcome;

const random = seededRandom(20_261_124);
const isSign = ({ headers }: Request): boolean => headers["x-amz-target"] === "TrentService.Sign";

function nextFault(request: Request): RequestFault {
  if (isSign(request) && random.chance(0.05)) return "deniedYet";
  const draw = random.below(10);
  if (draw < 5) return "throttled";
  return draw < 8 ? "answerLost" : "none";
}

beforeAll(async () => {
  emulators = await startAwsEmulators();
  clean = emulators.open();
  await addFleet(clean.app, fleet);
  outcome = await enrollAll();
}, 600_000);
afterAll(() => emulators?.close());

/** The devices' enrolments over faulty requests, sixteen at a time, each asked until it is answered. */
async function enrollAll(): Promise<Outcome> {
  const signed: string[] = [];
  requests = faultyRequests(nextFault, (request) => {
    if (!isSign(request)) return;
    const { Message: message } = JSON.parse(new TextDecoder().decode(request.body));
    signed.push(serialNumberHex(decodeTbsCertificate(Buffer.from(message, "base64")).serialNumber));
  });
  const clock = patientClock(clean.app.clock.now());
  const faulty = emulators.open({
    requestHandler: requests.handler,
    retryStrategy: impatientRetries(5),
  });
  const app = { ...faulty.app, clock };
  const certificates = new Map<string, string>();
  let next = 0;
  let asked = 0;
  const askUntilAnswered = async (token: string, csr: Buffer): Promise<IssuedCertificate> => {
    for (;;) {
      asked += 1;
      try {
        return await enroll(app, { fleet, token, csr });
      } catch (error) {
        if (!isAppError(error) || !worthRetry.includes(error.code)) throw error;
        await clock.sleep(1_000);
      }
    }
  };
  const work = async (): Promise<void> => {
    while (next < devices) {
      next += 1;
      const ask = { fleet, actor: "operator:operator-1", deviceId: `pump-${next}` };
      const { token } = await createEnrollmentToken(clean.app, ask);
      const { serialNumber, certificate } = await askUntilAnswered(token, deviceCsr(deviceKey()));
      certificates.set(serialNumber, certificate);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, () => clock.run(work)));
  return { certificates, signed, asked };
}

/** All items of a partition, page by page. */
async function itemsOf(partition: { readonly pk: string; readonly index?: IndexName }): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const query = { ...partition, limit: 1_000 };
    const page = await clean.app.items.query(cursor === undefined ? query : { ...query, cursor });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

/** Devices' certificates on record, whatever became of them: serial number and PEM. */
async function recorded(): Promise<ReadonlyMap<string, string>> {
  const pages = shards.flatMap((shard) => [
    itemsOf({ index: "byIssue", pk: issuePartition(fleet, shard) }),
    itemsOf({ index: "open", pk: openPartition(shard) }),
  ]);
  const all = (await Promise.all(pages)).flat().map((item) => certificateRecord(item).value);
  const ofDevices = all.filter(({ subjectKind }) => subjectKind === "device");
  return new Map(
    ofDevices.map(({ serialNumber, certificate }) => [
      serialNumber,
      certificate === undefined ? "unfinished" : encodePem("CERTIFICATE", certificate),
    ]),
  );
}

/** Subjects of the audit entries of issuance, of two days in case midnight came between. */
async function audited(): Promise<readonly unknown[]> {
  const days = [0, 86_400_000].map((more) => timeKey(clean.app.clock.now() + more).slice(0, 10));
  const partitions = days.flatMap((day) => shards.map((shard) => ({ pk: `AUDIT#${fleet}#${day}#${shard}` })));
  const entries = (await Promise.all(partitions.map(itemsOf))).flat();
  const issued = entries.filter(({ attributes }) => attributes["action"] === "certificate.issued");
  return issued.map(({ attributes }) => attributes["subject"]);
}

const sorted = <Value>(values: Iterable<Value>): Value[] => [...values].sort();

describe(`${devices} enrolments with half of all requests throttled and three in ten unanswered`, () => {
  it("the faults were there: each kind of each share", () => {
    const { throttled, deniedYet, answerLost, none } = requests.counts;
    const all = throttled + deniedYet + answerLost + none;
    console.info({ requests: all, ...requests.counts, asked: outcome.asked, signed: outcome.signed.length });
    expect(all).toBeGreaterThan(devices * 10);
    expect(deniedYet).toBeGreaterThan(50);
    expect(Math.abs(throttled / all - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(answerLost / all - 0.3)).toBeLessThan(0.02);
  });

  it("none lost: every device has its certificate, and no two the same number", () => {
    expect(outcome.certificates.size).toBe(devices);
  });

  it("none issued twice: KMS signed no other number, and the one on record is octet for octet the device's", async () => {
    await reconcile(clean.app);
    expect(sorted(new Set(outcome.signed))).toEqual(sorted(outcome.certificates.keys()));
    expect(await recorded()).toEqual(outcome.certificates);
  });

  it("each is audited exactly once", async () => {
    const ofDevices = (await audited()).filter((subject) => outcome.certificates.has(String(subject)));
    expect(sorted(ofDevices)).toEqual(sorted(outcome.certificates.keys()));
  });
});
