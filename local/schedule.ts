/** Room: local. Runs a task at an interval, never twice at once, and waits for it at the end. */
import type { Log } from "../core/ports.ts";
import { codeOf } from "../lambdas/http/problems.ts";
import { describeError } from "../lambdas/http/redaction.ts";

export interface Schedule {
  /** Runs it now; a run under way is followed by another, since it may have looked before. */
  wake(): void;
  /** Resolves when a run under way has ended. */
  stop(): Promise<void>;
}

/** A failed run is logged and the next one tries again. The timer does not keep the process alive. */
export function schedule(milliseconds: number, log: Log, name: string, task: () => Promise<void>): Schedule {
  let running: Promise<void> | undefined;
  let isWanted = false;
  let isStopped = false;
  const run = async (): Promise<void> => {
    try {
      await task();
    } catch (error) {
      log.error("scheduled_task_failed", { task: name, code: codeOf(error), ...describeError(error) });
    } finally {
      running = undefined;
      if (isWanted) start();
    }
  };
  const start = (): void => {
    isWanted = false;
    if (!isStopped) running ??= run();
  };
  const timer = setInterval(start, milliseconds);
  timer.unref();
  return {
    wake() {
      if (running === undefined) start();
      else isWanted = true;
    },
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await running;
    },
  };
}

/** A schedule that nobody wakes. @returns Stops it; resolves when a run under way has ended. */
export const every = (
  milliseconds: number,
  log: Log,
  name: string,
  task: () => Promise<void>,
): (() => Promise<void>) => schedule(milliseconds, log, name, task).stop;
