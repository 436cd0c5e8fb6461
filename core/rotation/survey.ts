/**
 * Room: core/rotation. Before a successor issues: how many of the active devices trust it? Counts of acknowledgements
 * know nothing of devices that are gone or that never said anything, so this looks at every device that has a certificate
 * in force, a bounded number a run, and goes on where the last run ended.
 */
import { isAppError } from "../errors.ts";
import type { Item, KeylessApp } from "../ports.ts";
import { acknowledgementKey, acknowledgementRecord } from "../records/acknowledgement-record.ts";
import {
  type CertificateRecord,
  certificateRecord,
  expiryPartition,
  type Stored,
  subjectPartition,
  timeKey,
} from "../records/certificate-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { shards } from "../records/shard.ts";
import {
  type SurveyCounts,
  type SurveyRecord,
  surveyItem,
  surveyKey,
  surveyRecord,
} from "../records/survey-record.ts";

const pageItems = 250;
/** A count that ended is taken again after as long as it is worth: 60 ms a device, a day at most. */
const waitPerDevice = 60;
const longestWait = 86_400_000;

export interface Survey extends SurveyCounts {
  /** Milliseconds since the epoch: when the count began. */
  readonly asOf: number;
}

type Surveyed = Pick<RolloverRecord, "rolloverId" | "trustVersion">;

async function findSurvey(
  app: KeylessApp,
  fleet: string,
  rolloverId: string,
): Promise<Stored<SurveyRecord> | undefined> {
  const item = await app.items.get(surveyKey(fleet, rolloverId));
  return item === undefined ? undefined : surveyRecord(item);
}

/** The last count that ended; undefined while none has, and when it was of another version of the trust. */
export async function adoptionSurvey(
  app: KeylessApp,
  fleet: string,
  { rolloverId, trustVersion }: Surveyed,
): Promise<Survey | undefined> {
  const stored = await findSurvey(app, fleet, rolloverId);
  if (stored === undefined || stored.value.trustVersion !== trustVersion) return undefined;
  const { lastActive: active, lastAdopted: adopted, lastAsOf: asOf } = stored.value;
  if (active === undefined || adopted === undefined || asOf === undefined) return undefined;
  return { active, adopted, asOf };
}

/** A device is counted by the newest of its certificates, so once however many are in force. */
async function isNewest(
  app: KeylessApp,
  { fleet, subjectId, serialNumber }: CertificateRecord,
): Promise<boolean> {
  const pk = subjectPartition(fleet, "device", subjectId);
  const { items } = await app.items.query({ index: "byDevice", pk, descending: true, limit: 1 });
  const newest = items[0];
  return newest !== undefined && certificateRecord(newest).value.serialNumber === serialNumber;
}

async function hasAdopted(
  app: KeylessApp,
  { fleet, subjectId }: CertificateRecord,
  trustVersion: number,
): Promise<boolean> {
  const item = await app.items.get(acknowledgementKey(fleet, { kind: "device", id: subjectId }));
  return item !== undefined && acknowledgementRecord(item).value.version >= trustVersion;
}

async function countPage(
  app: KeylessApp,
  items: readonly Item[],
  trustVersion: number,
): Promise<SurveyCounts> {
  const inForce = items
    .map((item) => certificateRecord(item).value)
    .filter(({ state, subjectKind }) => state === "issued" && subjectKind === "device");
  const found = await Promise.all(
    inForce.map(async (record) => {
      if (!(await isNewest(app, record))) return undefined;
      return hasAdopted(app, record, trustVersion);
    }),
  );
  const active = found.filter((adopted) => adopted !== undefined);
  return { active: active.length, adopted: active.filter(Boolean).length };
}

/** One page of the first partition that is not done; the count ends with the last of them. */
async function step(app: KeylessApp, record: SurveyRecord): Promise<SurveyRecord> {
  const { fleet, startedAt, trustVersion, marks, done } = record;
  const shard = shards.find((each) => !done.includes(each));
  if (shard === undefined) {
    const { active, adopted } = record;
    return { ...record, lastActive: active, lastAdopted: adopted, lastAsOf: startedAt };
  }
  const index = shards.indexOf(shard);
  const mark = marks[index] ?? "";
  const page = await app.items.query({
    index: "byExpiry",
    pk: expiryPartition(fleet, shard),
    // Of keys that end in a serial number: hexadecimal digits come after `!`.
    from: mark === "" ? timeKey(startedAt) : `${mark}!`,
    limit: pageItems,
  });
  const counts = await countPage(app, page.items, trustVersion);
  const last = page.items.at(-1)?.indexes?.byExpiry?.sk;
  return {
    ...record,
    active: record.active + counts.active,
    adopted: record.adopted + counts.adopted,
    marks: shards.map((_, each) => (each === index ? (last ?? mark) : (marks[each] ?? ""))),
    done: page.cursor === undefined ? [...done, shard] : done,
  };
}

const hasEnded = ({ lastAsOf, startedAt }: SurveyRecord): boolean => lastAsOf === startedAt;

/** A count from its beginning; what the last one found stays until this one ends. */
function begun(
  fleet: string,
  { rolloverId, trustVersion = 0 }: Surveyed,
  before: SurveyRecord | undefined,
  now: number,
): SurveyRecord {
  const last = before?.trustVersion === trustVersion ? before : undefined;
  return {
    ...(last ?? {}),
    fleet,
    rolloverId,
    trustVersion,
    startedAt: now,
    active: 0,
    adopted: 0,
    marks: shards.map(() => ""),
    done: [],
  };
}

/** What to go on with; undefined while the last count is young enough. */
function present(
  fleet: string,
  rollover: Surveyed,
  stored: SurveyRecord | undefined,
  now: number,
): SurveyRecord | undefined {
  if (stored === undefined || stored.trustVersion !== rollover.trustVersion)
    return begun(fleet, rollover, stored, now);
  if (!hasEnded(stored)) return stored;
  const wait = Math.min(longestWait, stored.active * waitPerDevice);
  const age = now - stored.startedAt;
  // A count of a clock that ran ahead is taken again.
  return age > wait || age < 0 ? begun(fleet, rollover, stored, now) : undefined;
}

/**
 * Goes on with the count, or begins another where the last is old. Two reads a device. Safe beside others and after a
 * kill: counts and marks are one item, written on the condition that it is still the one that was read.
 * @param until Milliseconds since the epoch after which no page is begun.
 * @throws AppError store_unavailable.
 */
export async function survey(
  app: KeylessApp,
  fleet: string,
  rollover: Surveyed,
  until: number,
): Promise<void> {
  if (rollover.trustVersion === undefined) return;
  const stored = await findSurvey(app, fleet, rollover.rolloverId);
  let record = present(fleet, rollover, stored?.value, app.clock.now());
  let version: number | "absent" = stored?.version ?? "absent";
  try {
    while (record !== undefined && !hasEnded(record) && app.clock.now() < until) {
      const next = await step(app, record);
      await app.items.transact([{ put: surveyItem(next), when: version }]);
      version = version === "absent" ? 1 : version + 1;
      record = next;
    }
  } catch (error) {
    // Another run counts the same at this very moment: it goes on.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}
