/** Room: infra. What each function touches: the union of its rows in lambdas/routes.ts, and nothing besides. */
import { type Route, routes, type Task, type Touches, tasks } from "../../lambdas/routes.ts";
import type { DeployedFunctionId } from "../configuration/concurrency.ts";

export interface Duty {
  readonly id: DeployedFunctionId;
  readonly items: ReadonlySet<Touches["items"]>;
  readonly keys: ReadonlySet<Touches["keys"]>;
  readonly publishes: boolean;
  readonly notifies: boolean;
}

const everyRoute: readonly Route[] = routes;
const everyTask: readonly Task[] = tasks;

export function dutyOf(id: DeployedFunctionId): Duty {
  const own = everyTask.filter((task) => task.function === id);
  const rows = [...everyRoute.filter((route) => route.function === id), ...own];
  return {
    id,
    items: new Set(rows.map((row) => row.touches.items)),
    keys: new Set(rows.map((row) => row.touches.keys)),
    publishes: own.some((task) => task.publishes),
    notifies: own.some((task) => task.notifies),
  };
}

/** Whether it signs at all, and so asks for keys by their names or ids. */
export const signs = ({ keys }: Duty): boolean => keys.has("issue") || keys.has("certify");
