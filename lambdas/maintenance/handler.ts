/** Room: lambdas/maintenance. Counts, tells of what is about to expire, goes on with bulk revocations. */
import { type MaintenanceApp, type MaintenanceReport, maintain } from "../../core/maintenance/maintenance.ts";
import { type TaskHandler, taskHandler, workUntil } from "../task.ts";

/** Takes any event. The next run goes on with what this one leaves. */
export function maintenanceFunction(app: MaintenanceApp): TaskHandler<MaintenanceReport> {
  return taskHandler(app, "maintain", (_, context) =>
    maintain(app, { until: workUntil(app, context, 10_000), logEveryRun: true }),
  );
}
