/**
 * Room: core/distribution. Counts certificates as they are issued, each once: index byIssue is read from a mark in each
 * of its sixteen partitions, and counts and marks are written in one transaction, conditioned on the marks that were
 * read. Of two that count at once one loses, and whatever dies in between has written nothing.
 */
import { isAppError } from "../errors.ts";
import type { Item, KeylessApp } from "../ports.ts";
import { type CensusProgress, censusProgressItem } from "../records/census-record.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateRecord,
  issuePartition,
  timeKey,
} from "../records/certificate-record.ts";
import { shardOf, shards } from "../records/shard.ts";
import { type Census, countWrites, dayOf, readCensus } from "./census-counts.ts";
import { isInPlace, placeAnew } from "./index-places.ts";

/**
 * What is younger is left for the next run. A certificate has the time at which it was signed; it is committed some
 * seconds later at most (a function that answers requests has thirty), by a clock that differs by five, and an index
 * shows it another moment later. One that appears behind a mark is never counted: two minutes are thrice as long as
 * all of that together.
 */
export const settleMilliseconds = 120_000;

/** Certificates of one run, so that it ends; the next one goes on. */
const rowsARun = 20_000;
/** Of each partition, in one step. */
const rowsAStep = 250;
/** A step of so few cannot touch more kinds than one transaction holds. */
const rowsASmallStep = 6;
/** Of the hundred operations of a transaction one is the progress. */
const kindsAtOnce = 99;
/** A run that found nothing writes how far it looked only when that much is new. */
const quietMilliseconds = 60_000;

interface Row {
  readonly item: Item;
  readonly record: CertificateRecord;
}

interface Step {
  readonly rows: readonly Row[];
  /** Of each partition: the last place of this step. */
  readonly marks: readonly string[];
  readonly isEnd: boolean;
}

const placeOf = (item: Item): string => item.indexes?.byIssue?.sk ?? "";

/** The next rows of one partition; the row at `mark` is done. */
async function readPartition(app: KeylessApp, pk: string, mark: string, horizon: number, limit: number) {
  const from = mark === "" ? {} : { from: mark };
  const query = { index: "byIssue", pk, ...from, to: timeKey(horizon), limit: limit + 1 } as const;
  const page = await app.items.query(query);
  const last = page.items.at(-1);
  return {
    items: page.items.filter((item) => placeOf(item) !== mark),
    mark: last === undefined ? mark : placeOf(last),
    isEnd: page.cursor === undefined,
  };
}

async function readStep(
  app: KeylessApp,
  { fleet, marks }: CensusProgress,
  horizon: number,
  limit: number,
): Promise<Step> {
  const parts = await Promise.all(
    shards.map((shard, at) =>
      readPartition(app, issuePartition(fleet, shard), marks[at] ?? "", horizon, limit),
    ),
  );
  return {
    rows: parts.flatMap(({ items }) =>
      items.map((item) => ({ item, record: certificateRecord(item).value })),
    ),
    marks: parts.map(({ mark }) => mark),
    isEnd: parts.every(({ isEnd }) => isEnd),
  };
}

/** Gives records of earlier releases their places. @returns Whether there were any. */
async function placeRows(app: KeylessApp, { rows }: Step): Promise<boolean> {
  const misplaced = rows.map(({ item }) => item).filter((item) => !isInPlace(app, item));
  await placeAnew(app, misplaced);
  return misplaced.length > 0;
}

/**
 * What this step counts. A record of an earlier release that is found now was written while releases changed: its own
 * place is later, and it counts here only if this step has come past that place.
 */
function countable({ rows, marks }: Step): readonly CertificateRecord[] {
  const records = rows.map(({ record }) => record);
  return records.filter((record) => {
    const place = certificateItem(record).indexes?.byIssue?.sk ?? "";
    return place <= (marks[shards.indexOf(shardOf(record.serialNumber))] ?? "");
  });
}

/** The time of the earliest mark: all before is done. */
function doneUntil({ marks, isEnd }: Step, horizon: number): number {
  if (isEnd) return horizon;
  const times = marks.map((mark) => (mark === "" ? 0 : Date.parse(mark.slice(0, timeKey(0).length))));
  return Math.min(...times);
}

const atTheBeginning = shards.map(() => "");

interface Outcome {
  readonly counted: number;
  readonly read: number;
  readonly isDone: boolean;
}

/** Nothing is counted until all records have their places. */
async function rewriteStep(
  app: KeylessApp,
  { progress: stored }: Census,
  progress: CensusProgress,
): Promise<Outcome> {
  const step = await readStep(app, progress, app.clock.now() - settleMilliseconds, rowsAStep);
  const hasWritten = await placeRows(app, step);
  // An index follows an item later, and counting must meet each in its new place.
  const countFrom = hasWritten ? app.clock.now() + settleMilliseconds : progress.countFrom;
  const next: Partial<CensusProgress> = step.isEnd
    ? { step: "counting", marks: atTheBeginning }
    : { marks: step.marks };
  const put = censusProgressItem({ ...progress, ...next, countFrom });
  await app.items.transact([{ put, when: stored?.version ?? "absent" }]);
  return { counted: 0, read: step.rows.length, isDone: false };
}

async function countStep(
  app: KeylessApp,
  census: Census,
  progress: CensusProgress,
  limit: number,
): Promise<Outcome> {
  const now = app.clock.now();
  const horizon = now - settleMilliseconds;
  const step = await readStep(app, progress, horizon, limit);
  await placeRows(app, step);
  const records = countable(step);
  const writes = countWrites(census, records, dayOf(now));
  if (writes.length > kindsAtOnce) return countStep(app, census, progress, rowsASmallStep);
  const asOf = Math.max(progress.asOf, doneUntil(step, horizon));
  if (step.rows.length > 0 || asOf - progress.asOf >= quietMilliseconds) {
    const put = censusProgressItem({ ...progress, marks: step.marks, asOf });
    await app.items.transact([{ put, when: census.progress?.version ?? "absent" }, ...writes]);
  }
  return { counted: records.length, read: step.rows.length, isDone: step.isEnd };
}

async function takeStep(app: KeylessApp, fleet: string): Promise<Outcome> {
  const census = await readCensus(app, fleet);
  const first = { fleet, step: "rewriting", countFrom: 0, asOf: 0, marks: atTheBeginning } as const;
  const progress = census.progress?.value ?? first;
  if (progress.step === "rewriting") return rewriteStep(app, census, progress);
  if (app.clock.now() < progress.countFrom) return { counted: 0, read: 0, isDone: true };
  return countStep(app, census, progress, rowsAStep);
}

/**
 * Counts what was issued since the last run, 20,000 certificates at most; the next run goes on. The first runs on a
 * fleet give records of earlier releases their places in the indexes of this one: until then a search by expiry or by
 * revocation does not find them all. Safe beside others: whoever is slower stops.
 * @param until Milliseconds since the epoch after which no further step is begun.
 * @returns How many certificates were counted. @throws AppError store_unavailable; what was counted stays so.
 */
export async function takeCensus(app: KeylessApp, fleet: string, until: number): Promise<number> {
  let counted = 0;
  let read = 0;
  while (read < rowsARun && app.clock.now() < until) {
    try {
      const outcome = await takeStep(app, fleet);
      counted += outcome.counted;
      read += outcome.read;
      if (outcome.isDone) break;
    } catch (error) {
      // Another was faster: it goes on.
      if (isAppError(error, "store_condition_failed")) break;
      throw error;
    }
  }
  return counted;
}
