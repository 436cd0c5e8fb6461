/** Room: local. Runs a task at an interval, never twice at once, and waits for it at the end. */
import type { Log } from "../core/ports.ts";
import { codeOf } from "../lambdas/http/problems.ts";
import { describeError } from "../lambdas/http/redaction.ts";

/**
 * A failed run is logged and the next one tries again. The timer does not keep the process alive.
 * @returns Stops the schedule; resolves when a run under way has ended.
 */
export function every(
  milliseconds: number,
  log: Log,
  name: string,
  task: () => Promise<void>,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    try {
      await task();
    } catch (error) {
      log.error("scheduled_task_failed", { task: name, code: codeOf(error), ...describeError(error) });
    } finally {
      running = undefined;
    }
  };
  const timer = setInterval(() => {
    running ??= run();
  }, milliseconds);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
