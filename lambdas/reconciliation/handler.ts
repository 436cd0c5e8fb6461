/** Room: lambdas/reconciliation. The schedule that finishes or closes what crashes left. */
import { type ReconcilerReport, reconcile } from "../../core/enrollment/reconciler.ts";
import type { App, DeploymentApp } from "../../core/ports.ts";
import { type TaskHandler, taskHandler, workUntil } from "../task.ts";

/** An intent begun last may wait as long as this: for its lease, its signature, and the store after either. */
const longestIntentMilliseconds = 35_000;

/** Takes any event. The next run goes on with what this one leaves. */
export function reconciliationFunction(
  app: App & Pick<DeploymentApp, "notifier">,
): TaskHandler<ReconcilerReport> {
  return taskHandler(app, "reconcile", (_, context) =>
    reconcile(app, {
      until: workUntil(app, context, longestIntentMilliseconds),
      logEveryRun: true,
      notifier: app.notifier,
    }),
  );
}
