/** Room: lambdas/safekeeping. Moves keys of data under new ones, and destroys those that two people have given up. */
import type { SafekeepingApp } from "../../core/ports.ts";
import { type SafekeepingReport, safekeep } from "../../core/protection/safekeeping.ts";
import { type TaskHandler, taskHandler, workUntil } from "../task.ts";

/** Takes any event. The next run goes on with what this one leaves. */
export function safekeepingFunction(app: SafekeepingApp): TaskHandler<SafekeepingReport> {
  return taskHandler(app, "safekeep", (_, context) =>
    safekeep(app, { until: workUntil(app, context, 30_000), logEveryRun: true }),
  );
}
