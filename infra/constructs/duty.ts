/** Room: infra. What each function touches: the union of its rows in lambdas/routes.ts, and nothing besides. */
import {
  type Route,
  routes,
  type Task,
  type TaskFunctionId,
  type Touches,
  tasks,
} from "../../lambdas/routes.ts";
import type { DeployedFunctionId } from "../configuration/concurrency.ts";
import type { SigningKeyKind } from "../configuration/key-generations.ts";

export interface Duty {
  readonly id: DeployedFunctionId;
  readonly items: ReadonlySet<Touches["items"]>;
  readonly keys: ReadonlySet<Touches["keys"]>;
  /** Lifts holds of devices: the only items that code deletes. */
  readonly releases: boolean;
  /** Remembers proofs of possession, so that none counts twice. */
  readonly proves: boolean;
  /** Reads what is published. */
  readonly readsArtifacts: boolean;
  readonly publishes: ReadonlySet<Task["publishes"]>;
  readonly notifies: boolean;
  /** Looks after keys: lends and takes back roots, schedules deletions. */
  readonly keepsKeys: boolean;
  /** Looks after the keys that encrypt. */
  readonly keepsDataKeys: boolean;
  /** Hands certificates of servers to AWS Certificate Manager. */
  readonly keepsCertificates: boolean;
  /** What it does with keys of data. */
  readonly protection: ReadonlySet<NonNullable<Touches["protection"]>>;
  /** Functions that it starts before their schedule does. */
  readonly starts: readonly TaskFunctionId[];
}

const everyRoute: readonly Route[] = routes;
const everyTask: readonly Task[] = tasks;

/** Whose sessions are bound to a key, or ask for one: each request of theirs carries a proof (RFC 9449 §11.1). */
const proves = ({ access }: Route): boolean =>
  access !== "public" && access.by.some((kind) => kind === "operator" || kind === "proof");

const signingKeys = {
  none: [],
  issue: ["issuing"],
  respond: ["ocsp"],
  publish: ["issuing", "ocsp", "trust"],
  certify: ["root", "issuing", "ocsp", "trust"],
} as const satisfies Record<Touches["keys"], readonly SigningKeyKind[]>;

/** Of each fleet: what the duty signs with; with roots, as long as they are lent to it. */
export function signingKeysOf({ keys }: Duty): readonly SigningKeyKind[] {
  return [...new Set([...keys].flatMap((use): readonly SigningKeyKind[] => signingKeys[use]))];
}

/** Functions of the tasks that the rows start, each once, in the order of the table. */
function startedBy(rows: readonly (Route | Task)[]): readonly TaskFunctionId[] {
  const started = new Set<string>(rows.flatMap(({ touches }) => touches.starts ?? []));
  return everyTask.filter(({ id }) => started.has(id)).map((task) => task.function);
}

/** Whether requests or other tasks start it, besides its schedule. */
export const isStarted = (id: string): boolean =>
  startedBy([...everyRoute, ...everyTask]).some((one) => one === id);

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
    readsArtifacts: rows.some((row) => row.touches.artifacts === "read"),
    publishes: new Set(own.map((task) => task.publishes)),
    // Who opens protected data tells people of it before anything is shown.
    notifies: own.some((task) => task.notifies) || rows.some((row) => row.touches.protection === "use"),
    keepsKeys: rows.some((row) => row.touches.custody === true),
    keepsDataKeys: rows.some((row) => row.touches.dataKeys === true),
    keepsCertificates: rows.some((row) => row.touches.certificates === true),
    protection: new Set(rows.flatMap((row) => row.touches.protection ?? [])),
    starts: startedBy(rows),
  };
}

/** Whether it signs at all, and so asks for keys by their names or ids. */
export const signs = (duty: Duty): boolean => signingKeysOf(duty).length > 0;
