/** Room: scripts. The service's own tasks, as its schedule and its wakes run them. */
import { maintain } from "../../core/maintenance/maintenance.ts";
import type { StartedTask } from "../../core/ports.ts";
import { publishEverything } from "../../core/publication/publication.ts";
import { holdCeremonies } from "../../core/rotation/held-ceremony.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import type { House } from "./house.ts";

/** What a task leaves is asked for by another; they come to rest well before. */
const wakesAtOnce = 40;

const acts: Readonly<Record<StartedTask, (house: House) => Promise<number>>> = {
  publish: async ({ app }) => (await publishEverything(app)).failed,
  maintain: async ({ app }) => (await maintain(app)).failed,
  rotate: async ({ app }) => (await rotate(app)).failed,
  ceremony: async ({ app }) => (await holdCeremonies(app)).failed,
  // There are no server certificates of the service's own keeping in this fleet.
  tendServers: async () => 0,
  safekeep: async () => 0,
};

/** Runs `tasks`, and whatever they ask for, until nothing is asked for. @returns Steps that failed. */
export async function runTasks(house: House, tasks: readonly StartedTask[]): Promise<number> {
  for (const task of tasks) house.started.add(task);
  let failed = 0;
  for (let run = 0; run < wakesAtOnce; run += 1) {
    const [task] = house.started;
    if (task === undefined) break;
    house.started.delete(task);
    failed += await acts[task](house);
  }
  return failed;
}
