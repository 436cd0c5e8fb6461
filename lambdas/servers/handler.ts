/** Room: lambdas/servers. Keeps certificates of servers fresh where load balancers find them. */
import type { ServerApp } from "../../core/ports.ts";
import { type ServerReport, tendServerCertificates } from "../../core/rotation/server-tending.ts";
import { type TaskHandler, taskHandler, workUntil } from "../task.ts";

/** Takes any event. The next run goes on with what this one leaves. */
export function serversFunction(app: ServerApp): TaskHandler<ServerReport> {
  return taskHandler(app, "tendServers", (_, context) =>
    tendServerCertificates(app, { until: workUntil(app, context, 60_000) }),
  );
}
