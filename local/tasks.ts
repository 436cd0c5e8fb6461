/**
 * Room: local. The deployment's tasks by the clock of this process: what AWS starts by schedules and invocations runs
 * here at an interval, and at once when a request asks for it.
 */
import { maintain } from "../core/maintenance/maintenance.ts";
import type { DeploymentApp, StartedTask, TaskStarter } from "../core/ports.ts";
import { publishEverything } from "../core/publication/publication.ts";
import { type Schedule, schedule } from "./schedule.ts";

const publicationMilliseconds = 5_000;
const maintenanceMilliseconds = 30_000;

export interface LocalTasks {
  readonly starter: TaskStarter;
  stop(): Promise<void>;
}

/**
 * They run from now on. A run has no end of its own; `stop` gives it one, so that it begins nothing new: what is left of
 * a large job or of many lists, the next start goes on with.
 */
export function startTasks(app: DeploymentApp): LocalTasks {
  const deadline = { until: Number.POSITIVE_INFINITY };
  const starter: TaskStarter = {
    async start(task) {
      await Promise.resolve();
      schedules[task]?.wake();
    },
  };
  const schedules: Readonly<Partial<Record<StartedTask, Schedule>>> = {
    publish: schedule(publicationMilliseconds, app.log, "publication", async () => {
      await publishEverything(app, deadline);
    }),
    maintain: schedule(maintenanceMilliseconds, app.log, "maintenance", async () => {
      await maintain({ ...app, tasks: starter }, deadline);
    }),
  };
  return {
    starter,
    async stop() {
      deadline.until = Number.NEGATIVE_INFINITY;
      await Promise.all(Object.values(schedules).map((one) => one.stop()));
    },
  };
}
