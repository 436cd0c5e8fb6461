/**
 * Room: core/protection. Jobs of safekeeping take turns, step by step, so that none waits for a long one; and calls
 * of the key service go out a few at a time.
 */
import { isAppError } from "../errors.ts";
import type { Item, NewItem, SafekeepingApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import { codeOf } from "./safekeeping-list.ts";

/** One job under way in this run. */
export interface Turn {
  readonly id: string;
  /** Whether this run has anything to do for it. */
  readonly isDue: boolean;
  /** Once; `left`: there is nothing for this run to do, for somebody else has ended it. */
  step(): Promise<"open" | "ended" | "left">;
  /** Notes the failure on the job: this run does not go on with it. */
  fail(error: unknown): Promise<void>;
}

export interface SafekeepingReport {
  /** Keys that this run destroyed, moved, and opened again. */
  readonly destroyed: number;
  readonly moved: number;
  readonly verified: number;
  /** Destructions and re-encryptions that came to their end; that failed, and are gone on with in another run. */
  readonly ended: number;
  readonly failed: number;
}

export type SafekeepingCounts = { -readonly [Name in keyof SafekeepingReport]: SafekeepingReport[Name] };

/** More than are ever open. */
const maximumJobs = 1_000;

/** A failure in a row at which people are told: the first ones pass by themselves. */
export const toldFailures = 3;

/** True when the job is to be gone on with in this run. */
async function take(app: SafekeepingApp, counts: SafekeepingCounts, turn: Turn): Promise<boolean> {
  try {
    const outcome = await turn.step();
    if (outcome === "ended") counts.ended += 1;
    return outcome === "open";
  } catch (error) {
    app.log.error("safekeeping_job_failed", { jobId: turn.id, code: codeOf(error) });
    counts.failed += 1;
    await turn.fail(error);
    return false;
  }
}

async function takeTurns(
  app: SafekeepingApp,
  counts: SafekeepingCounts,
  isOver: () => boolean,
  turns: readonly Turn[],
): Promise<void> {
  let open = turns;
  while (open.length > 0 && !isOver()) {
    const goOn: Turn[] = [];
    for (const turn of open) if (isOver() || (await take(app, counts, turn))) goOn.push(turn);
    open = goOn;
  }
}

/**
 * Goes on with every job that stands in the index under `partition` and is due, until all are ended, have failed or are
 * left, or `isOver`, which is asked before each step. A record that cannot be read is counted and logged, and keeps no
 * other fleet's job from its turn.
 * @param jobs.turnOf Reads the job itself, for an index may lag.
 * @throws AppError store_unavailable when the jobs cannot be listed.
 */
export async function continueOpen(
  app: SafekeepingApp,
  counts: SafekeepingCounts,
  isOver: () => boolean,
  { partition, turnOf }: { readonly partition: string; readonly turnOf: (item: Item) => Promise<Turn> },
): Promise<void> {
  if (isOver()) return;
  const items = await readItems(app, { index: "open", pk: partition, limit: maximumJobs });
  const found = await Promise.allSettled(items.map(async (item) => turnOf(item)));
  const turns = found.flatMap((each) => {
    if (each.status === "fulfilled") return [each.value];
    app.log.error("safekeeping_job_unreadable", { code: codeOf(each.reason) });
    counts.failed += 1;
    return [];
  });
  await takeTurns(
    app,
    counts,
    isOver,
    turns.filter(({ isDue }) => isDue),
  );
}

/**
 * Puts `record` in the place of what was read, with `entry`; where somebody else changed it first, reads it again.
 * @returns What stands there now, and whether that is `record`.
 */
export async function putOrRead<Value>(
  app: SafekeepingApp,
  { version }: Stored<Value>,
  {
    record,
    item,
    entry,
    find,
  }: {
    readonly record: Value;
    readonly item: NewItem;
    readonly entry?: WriteOperation | undefined;
    readonly find: () => Promise<Stored<Value>>;
  },
): Promise<{ readonly stored: Stored<Value>; readonly isOurs: boolean }> {
  const writes = entry === undefined ? [] : [entry];
  try {
    await app.items.transact([{ put: item, when: version }, ...writes]);
    return { stored: { value: record, version: version + 1 }, isOurs: true };
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    return { stored: await find(), isOurs: false };
  }
}

/** What notes a failure may fail itself, and the schedule comes anyhow: it is only told. */
export async function noteSafely(
  app: SafekeepingApp,
  jobId: string,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    app.log.warn("safekeeping_failure_not_noted", { jobId, code: codeOf(error) });
  }
}

export interface Settled<Each, Result> {
  readonly done: readonly { readonly each: Each; readonly result: Result }[];
  /** Of the first that failed: none was begun after it, and those under way came to their end. */
  readonly failure?: { readonly error: unknown };
}

/** `act` for each, `width` at a time. Never throws what `act` throws. */
export async function severally<Each, Result>(
  all: readonly Each[],
  width: number,
  act: (each: Each) => Promise<Result>,
): Promise<Settled<Each, Result>> {
  const done: { each: Each; result: Result }[] = [];
  let failure: { readonly error: unknown } | undefined;
  const waiting = all[Symbol.iterator]();
  const work = async () => {
    for (const each of waiting) {
      try {
        done.push({ each, result: await act(each) });
      } catch (error) {
        failure ??= { error };
      }
      if (failure !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return failure === undefined ? { done } : { done, failure };
}
