/** Room: lambdas/rollover. Enforces cryptoperiods, moves rollovers on, lends roots and takes them back. */
import type { RotationApp } from "../../core/ports.ts";
import type { RotationReport } from "../../core/rotation/key-views.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import { type TaskHandler, taskHandler, workUntil } from "../task.ts";

/** Takes any event. The next run goes on with what this one leaves. */
export function rolloverFunction(app: RotationApp): TaskHandler<RotationReport> {
  return taskHandler(app, "rotate", (_, context) =>
    rotate(app, { until: workUntil(app, context, 20_000), logEveryRun: true }),
  );
}
