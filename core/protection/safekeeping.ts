/**
 * Room: core/protection. One run of the task that keeps subject keys, over all fleets: what was decided is destroyed,
 * then keys are moved. Idempotent, and safe beside other runs.
 */
import type { SafekeepingApp } from "../ports.ts";
import { continueReencryptions } from "./reencryption-work.ts";
import { codeOf } from "./safekeeping-list.ts";
import type { SafekeepingCounts, SafekeepingReport } from "./safekeeping-turns.ts";
import { continueShreds } from "./shred-work.ts";

export type { SafekeepingReport } from "./safekeeping-turns.ts";

export interface SafekeepingOptions {
  /** Milliseconds since the epoch after which nothing new is begun; may come nearer meanwhile. @default without end */
  readonly until?: number;
  /** Logs a run that changed nothing too. @default false */
  readonly logEveryRun?: boolean;
}

/** One step that fails keeps no other from being done. */
async function attempt(
  app: SafekeepingApp,
  counts: SafekeepingCounts,
  step: string,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    app.log.error("safekeeping_failed", { step, code: codeOf(error) });
    counts.failed += 1;
  }
}

/**
 * First the destructions, for which people wait. What fails for one job is logged, noted on it and counted, and keeps
 * no other from being done.
 */
export async function safekeep(
  app: SafekeepingApp,
  options: SafekeepingOptions = {},
): Promise<SafekeepingReport> {
  const counts: SafekeepingCounts = { destroyed: 0, moved: 0, verified: 0, ended: 0, failed: 0 };
  const isOver = () => app.clock.now() >= (options.until ?? Number.POSITIVE_INFINITY);
  await attempt(app, counts, "shreds", () => continueShreds(app, counts, isOver));
  await attempt(app, counts, "reencryptions", () => continueReencryptions(app, counts, isOver));
  const changed = Object.values(counts).some((count) => count > 0);
  if (options.logEveryRun === true || changed) app.log.info("safekept", { ...counts });
  return counts;
}
