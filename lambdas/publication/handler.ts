/** Room: lambdas/publication. Signs and publishes what others rely on, by the clock and whenever trust was taken back. */

import type { PublisherApp } from "../../core/ports.ts";
import { type PublicationReport, publishEverything } from "../../core/publication/publication.ts";
import { type TaskHandler, taskHandler, workUntil } from "../task.ts";

/** Takes any event. The next run goes on with what this one leaves. */
export function publicationFunction(app: PublisherApp): TaskHandler<PublicationReport> {
  return taskHandler(app, "publish", (_, context) =>
    publishEverything(app, { until: workUntil(app, context, 15_000), logEveryRun: true }),
  );
}
