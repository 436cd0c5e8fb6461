/**
 * Room: core/distribution. Tells people that certificates end, so many days before as the fleet has configured, from
 * index byExpiry; nothing is scanned. For each number of days a mark follows the time at which certificates end.
 */
import { getFleet } from "../authority/issuer.ts";
import { isAppError } from "../errors.ts";
import type { KeylessApp, Notice, Notifier } from "../ports.ts";
import {
  type CertificateRecord,
  certificateRecord,
  expiryPartition,
  timeKey,
} from "../records/certificate-record.ts";
import {
  type ExpiryMark,
  type ExpiryNotices,
  expiryNotices,
  expiryNoticesItem,
  expiryNoticesKey,
} from "../records/notice-record.ts";
import { shards } from "../records/shard.ts";
import { settleMilliseconds } from "./census-fold.ts";
import { isOfDigest, isToBeTold } from "./expiry-candidates.ts";
import { MergedRows } from "./merged-rows.ts";

export type NoticesApp = KeylessApp & { readonly notifier: Notifier };

const day = 86_400_000;
/** From then on it is a warning: little time is left to act. */
const warningDays = 7;
/** Certificates of one step, judged beside one another. */
const rowsAStep = 200;
/** Nobody need know of a day's notice sooner, and a mark costs a write. */
const quietMilliseconds = 600_000;

const severity = (days: number): Notice["severity"] => (days <= warningDays ? "warning" : "information");

/** One fleet's marks with the version on which the next write is conditioned. */
interface Marks {
  readonly value: ExpiryNotices;
  readonly version: number | "absent";
  /** Whether a configured number of days is in no stored mark yet. */
  readonly isNew: boolean;
}

/** What ends before is to be told of now. A little late, as the census is: a certificate just issued is in the index then. */
const horizonOf = (app: KeylessApp, days: number): number =>
  app.clock.now() - settleMilliseconds + days * day;

/** Marks for the numbers of days that are configured now. A new one starts at its present horizon. */
async function readMarks(app: KeylessApp, fleet: string, days: readonly number[]): Promise<Marks> {
  const item = await app.items.get(expiryNoticesKey(fleet));
  const stored = item === undefined ? undefined : expiryNotices(item);
  const present = new Map(stored?.value.marks.map((mark) => [mark.days, mark]));
  const marks = days.map(
    (count): ExpiryMark =>
      present.get(count) ?? { days: count, place: timeKey(horizonOf(app, count)), certificates: 0 },
  );
  const isNew = days.some((count) => !present.has(count));
  return { value: { fleet, marks }, version: stored?.version ?? "absent", isNew };
}

async function putMark(app: KeylessApp, marks: Marks, mark: ExpiryMark): Promise<Marks> {
  const value = {
    ...marks.value,
    marks: marks.value.marks.map((other) => (other.days === mark.days ? mark : other)),
  };
  await app.items.transact([{ put: expiryNoticesItem(value), when: marks.version }]);
  return { value, version: marks.version === "absent" ? 1 : marks.version + 1, isNew: false };
}

/** A serial number that happens to look like a personal datum is left out; the notice is not. */
async function notifyOfOne(
  app: NoticesApp,
  { fleet, serialNumber }: CertificateRecord,
  days: number,
): Promise<void> {
  const notice = {
    event: "certificate.expiring",
    severity: severity(days),
    fleet,
    measures: { days },
  } as const;
  try {
    await app.notifier.notify({ ...notice, subject: serialNumber });
  } catch (error) {
    if (!isAppError(error, "notice_not_permitted")) throw error;
    await app.notifier.notify(notice);
  }
}

function notifyOfMany(app: NoticesApp, fleet: string, { days, certificates }: ExpiryMark): Promise<void> {
  const measures = { days, certificates };
  return app.notifier.notify({ event: "certificates.expiring", severity: severity(days), fleet, measures });
}

const timeOf = (place: string): number => Date.parse(place.slice(0, timeKey(0).length));

/** Midnight (UTC) after `place`. */
const dayAfter = (place: string): number => (Math.floor(timeOf(place) / day) + 1) * day;

interface Run {
  marks: Marks;
  notices: number;
}

/** What ends after the mark and before `end`, the earliest first. */
function rowsBetween(app: KeylessApp, fleet: string, mark: ExpiryMark, end: number): MergedRows {
  const partitions = shards.map((shard) => expiryPartition(fleet, shard));
  const query = { index: "byExpiry", partitions, after: mark.place, to: timeKey(end) } as const;
  return new MergedRows(app, query, rowsAStep);
}

interface Ending {
  readonly place: string;
  readonly record: CertificateRecord;
}

async function nextEndings(rows: MergedRows): Promise<readonly Ending[]> {
  const found: Ending[] = [];
  while (found.length < rowsAStep) {
    const row = await rows.take();
    if (row === undefined) break;
    found.push({ place: row.place, record: certificateRecord(row.item).value });
  }
  return found;
}

/** Tells of those that are told by themselves, and counts the others. @returns The mark after the last of them. */
async function tellEach(
  app: NoticesApp,
  run: Run,
  mark: ExpiryMark,
  endings: readonly Ending[],
): Promise<ExpiryMark> {
  const told = await Promise.all(endings.map(({ record }) => isToBeTold(app, record, mark.days)));
  let next = mark;
  for (const [at, { place, record }] of endings.entries()) {
    next = { ...next, place };
    if (told[at] !== true) continue;
    if (isOfDigest(record.subjectKind)) {
      next = { ...next, certificates: next.certificates + 1 };
    } else {
      await notifyOfOne(app, record, mark.days);
      run.notices += 1;
      run.marks = await putMark(app, run.marks, next);
    }
  }
  return next;
}

/** The mark at `end`; at the end of a day that day's devices are told of. */
async function closeAt(
  app: NoticesApp,
  run: Run,
  mark: ExpiryMark,
  end: number,
  isDay: boolean,
): Promise<ExpiryMark> {
  if (isDay && mark.certificates > 0) {
    await notifyOfMany(app, run.marks.value.fleet, mark);
    run.notices += 1;
  }
  return { ...mark, place: timeKey(end), certificates: isDay ? 0 : mark.certificates };
}

/** All of one day up to `end`. @returns The mark at `end`; undefined when the time is over before. */
async function tellDay(app: NoticesApp, run: Run, first: ExpiryMark, end: number, until: number) {
  const isDay = end === dayAfter(first.place);
  const rows = rowsBetween(app, run.marks.value.fleet, first, end);
  let mark = first;
  for (;;) {
    const endings = await nextEndings(rows);
    mark = await tellEach(app, run, mark, endings);
    const isEnd = endings.length < rowsAStep;
    if (isEnd) mark = await closeAt(app, run, mark, end, isDay);
    run.marks = await putMark(app, run.marks, mark);
    if (isEnd) return mark;
    if (app.clock.now() >= until) return undefined;
  }
}

async function tellOf(app: NoticesApp, run: Run, first: ExpiryMark, until: number): Promise<void> {
  const horizon = horizonOf(app, first.days);
  if (horizon - timeOf(first.place) < quietMilliseconds) return;
  let mark: ExpiryMark | undefined = first;
  while (mark !== undefined && mark.place < timeKey(horizon) && app.clock.now() < until) {
    mark = await tellDay(app, run, mark, Math.min(horizon, dayAfter(mark.place)), until);
  }
}

/**
 * Tells of certificates that end in as many days as `expiryNoticeDays` says, once for each number, unless they were
 * revoked or renewed, or never had so many days. Of authorities, servers, operators, claims and keys of the service
 * each by itself: `certificate.expiring`, its subject the serial number. Of devices a fleet may have millions, and
 * millions of messages tell nobody anything: theirs are one digest for each day (UTC) on which certificates end,
 * `certificates.expiring` with their number, told when all of that day are so near. A fleet's first run tells of what
 * comes into sight from then on, not of all that is near already.
 *
 * The mark is written after the notice: whatever dies in between is told again, never not at all. Two that tell at
 * once tell one thing twice at most: one of them loses the mark, and stops.
 * @param until Milliseconds since the epoch after which no further step is begun.
 * @returns How many notices were told. @throws AppError not_found (fleet), store_unavailable, notifier_unavailable:
 * what was told stays marked.
 */
export async function tellExpiries(app: NoticesApp, fleet: string, until: number): Promise<number> {
  const { configuration } = await getFleet(app, fleet);
  const days = [...new Set(configuration.expiryNoticeDays)];
  if (days.length === 0) return 0;
  const run: Run = { marks: await readMarks(app, fleet, days), notices: 0 };
  try {
    // A number of days is followed from when it is first seen: until it is on record its horizon moves with the clock.
    if (run.marks.isNew) {
      const [first] = run.marks.value.marks;
      if (first !== undefined) run.marks = await putMark(app, run.marks, first);
    }
    for (const mark of run.marks.value.marks) await tellOf(app, run, mark, until);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
  return run.notices;
}
