/** Room: lambdas/reconciliation. The schedule that finishes or closes what crashes left. */
import { type ReconcilerReport, reconcile } from "../../core/enrollment/reconciler.ts";
import type { App, DeploymentApp } from "../../core/ports.ts";
import { type TaskContext, type TaskHandler, taskHandler } from "../task.ts";

/** An intent begun last may wait as long as this: for its lease, its signature, and the store after either. */
const longestIntentMilliseconds = 35_000;

/** Leaves room for the last intent, but works for a third of a short time at least. */
function workUntil(app: App, { getRemainingTimeInMillis }: TaskContext): number {
  if (getRemainingTimeInMillis === undefined) return Number.POSITIVE_INFINITY;
  const remaining = getRemainingTimeInMillis();
  return app.clock.now() + Math.max(remaining - longestIntentMilliseconds, remaining / 3);
}

/** Takes any event. The next run goes on with what this one leaves. */
export function reconciliationFunction(
  app: App & Pick<DeploymentApp, "notifier">,
): TaskHandler<ReconcilerReport> {
  return taskHandler(app, "reconcile", (_, context) =>
    reconcile(app, { until: workUntil(app, context), logEveryRun: true, notifier: app.notifier }),
  );
}
