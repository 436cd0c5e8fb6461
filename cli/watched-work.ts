/** Room: cli. Work that the service does, whether or not anybody watches: looked at until it has come far enough. */
import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "./command.ts";
import { Failure } from "./failure.ts";
import { abandonable } from "./interruption.ts";
import { createWatch } from "./progress.ts";

export interface WatchedWork<T> {
  readonly look: () => Promise<T>;
  readonly isThere: (seen: T) => boolean;
  /** In a line of a terminal. */
  readonly describe: (seen: T) => string;
  /** What is said to somebody who looks no longer. */
  readonly goesOn: string;
  /** Between two looks. @default 1000 */
  readonly milliseconds?: number;
}

/** The service goes on with it, though nobody watches any more. */
function stillRunning(error: unknown, remedy: string): unknown {
  if (!(error instanceof Failure)) return error;
  if (error.exit !== "interrupted" && error.transience === undefined) return error;
  const { exit, code, message, cause } = error;
  return new Failure(exit, code, message, { remedy, cause });
}

/** Looks again and again, with progress, until `isThere`. An interruption leaves the work alone; the failure says so. */
export async function watchWork<T>(first: T, work: WatchedWork<T>, { terminal }: Context): Promise<T> {
  const { look, isThere, describe, goesOn, milliseconds = 1_000 } = work;
  const watch = createWatch(terminal);
  let seen = first;
  try {
    while (!isThere(seen)) {
      watch.see(describe(seen));
      await abandonable(pause(milliseconds), terminal.interrupted);
      seen = await look();
    }
    return seen;
  } catch (error) {
    throw stillRunning(error, goesOn);
  } finally {
    watch.end();
  }
}
