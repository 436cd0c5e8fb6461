/**
 * Room: local. The deployment's tasks by the clock of this process: what AWS starts by schedules and invocations runs
 * here at an interval, and at once when a request asks for it.
 */
import { maintain } from "../core/maintenance/maintenance.ts";
import type { HouseApp, StartedTask, TaskStarter } from "../core/ports.ts";
import { safekeep } from "../core/protection/safekeeping.ts";
import { publishEverything } from "../core/publication/publication.ts";
import { holdCeremonies } from "../core/rotation/held-ceremony.ts";
import { rotate } from "../core/rotation/rotate.ts";
import { tendServerCertificates } from "../core/rotation/server-tending.ts";
import { type Schedule, schedule } from "./schedule.ts";

/** How often each runs though nobody asks, in milliseconds. */
const intervals = {
  publish: 5_000,
  maintain: 30_000,
  rotate: 30_000,
  ceremony: 60_000,
  tendServers: 600_000,
  safekeep: 30_000,
} as const satisfies Readonly<Record<StartedTask, number>>;

export interface LocalTasks {
  readonly starter: TaskStarter;
  stop(): Promise<void>;
}

type Deadline = { until: number };

/** What each task does, once. */
function runs(app: HouseApp, tasks: TaskStarter, deadline: Deadline) {
  return {
    publish: () => publishEverything(app, deadline),
    maintain: () => maintain({ ...app, tasks }, deadline),
    rotate: () => rotate({ ...app, tasks }, deadline),
    ceremony: () => holdCeremonies({ ...app, tasks }),
    tendServers: () => tendServerCertificates({ ...app, tasks }, deadline),
    safekeep: () => safekeep(app, deadline),
  } satisfies Readonly<Record<StartedTask, () => Promise<unknown>>>;
}

/**
 * They run from now on. A run has no end of its own; `stop` gives it one, so that it begins nothing new: what is left of
 * a large job or of many lists, the next start goes on with.
 */
export function startTasks(app: HouseApp): LocalTasks {
  const deadline: Deadline = { until: Number.POSITIVE_INFINITY };
  const starter: TaskStarter = {
    async start(task) {
      await Promise.resolve();
      schedules[task].wake();
    },
  };
  const run = runs(app, starter, deadline);
  const start = (task: StartedTask): Schedule =>
    schedule(intervals[task], app.log, task, async () => {
      await run[task]();
    });
  const schedules: Readonly<Record<StartedTask, Schedule>> = {
    publish: start("publish"),
    maintain: start("maintain"),
    rotate: start("rotate"),
    ceremony: start("ceremony"),
    tendServers: start("tendServers"),
    safekeep: start("safekeep"),
  };
  return {
    starter,
    async stop() {
      deadline.until = Number.NEGATIVE_INFINITY;
      await Promise.all(Object.values(schedules).map((one) => one.stop()));
    },
  };
}
