/** Room: infra. What each function touches: the union of its rows in lambdas/routes.ts, and nothing besides. */
import { type Route, routes, type Task, type Touches, tasks } from "../../lambdas/routes.ts";
import type { DeployedFunctionId } from "../configuration/concurrency.ts";

export interface Duty {
  readonly id: DeployedFunctionId;
  readonly items: ReadonlySet<Touches["items"]>;
  readonly keys: ReadonlySet<Touches["keys"]>;
  /** Lifts holds of devices: the only items that code deletes. */
  readonly releases: boolean;
  /** Remembers proofs of possession, so that none counts twice. */
  readonly proves: boolean;
  readonly publishes: boolean;
  readonly notifies: boolean;
}

const everyRoute: readonly Route[] = routes;
const everyTask: readonly Task[] = tasks;

/** Whose sessions are bound to a key, or ask for one: each request of theirs carries a proof (RFC 9449 §11.1). */
const proves = ({ access }: Route): boolean =>
  access !== "public" && access.by.some((kind) => kind === "operator" || kind === "proof");

export function dutyOf(id: DeployedFunctionId): Duty {
  const own = everyTask.filter((task) => task.function === id);
  const served = everyRoute.filter((route) => route.function === id);
  const rows = [...served, ...own];
  return {
    id,
    items: new Set(rows.map((row) => row.touches.items)),
    keys: new Set(rows.map((row) => row.touches.keys)),
    releases: rows.some((row) => row.touches.releases === true),
    proves: served.some(proves),
    publishes: own.some((task) => task.publishes),
    notifies: own.some((task) => task.notifies),
  };
}

/** Whether it signs at all, and so asks for keys by their names or ids. */
export const signs = ({ keys }: Duty): boolean => keys.has("issue") || keys.has("certify");
