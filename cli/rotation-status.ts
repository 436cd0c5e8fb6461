/** Room: cli. Rotation on one screen: what waits for people, which keys are not as they should be, what is under way. */
import {
  type Ceremony,
  ceremonyPage,
  type KeyReport,
  keyReport,
  type Rollover,
  type RotationTaskList,
  rolloverPage,
  rotationTaskList,
} from "../lambdas/http/rotation-answers.ts";
import { isHeld, renderCeremony } from "./ceremony.ts";
import type { FleetApi } from "./fleet-api.ts";
import { needsAttention, renderKeys } from "./key-table.ts";
import { describeRollover, renderNext } from "./rollover.ts";
import { taskRemedy } from "./rotation-tasks.ts";
import { printable } from "./terminal.ts";

export interface RotationStatus {
  readonly tasks: RotationTaskList["tasks"];
  readonly report: KeyReport;
  /** Those of which something follows. */
  readonly rollovers: readonly Rollover[];
  /** Those that are held at this time. */
  readonly ceremonies: readonly Ceremony[];
}

/** Newest first, and few: of a kind one is under way, and older ones drain. */
const newest = 100;

const isUnderWay = ({ state, endedAt }: Rollover): boolean => state !== "rolledBack" && endedAt === undefined;

export async function readStatus(api: FleetApi): Promise<RotationStatus> {
  const [{ tasks }, report, { rollovers }, { ceremonies }] = await Promise.all([
    api.call({ method: "GET", path: "/rotation-tasks", schema: rotationTaskList }),
    api.call({ method: "GET", path: "/key-report", schema: keyReport }),
    api.call({ method: "GET", path: `/rollovers?limit=${newest}`, schema: rolloverPage }),
    api.call({ method: "GET", path: `/ceremonies?limit=${newest}`, schema: ceremonyPage }),
  ]);
  return {
    tasks,
    report,
    rollovers: rollovers.filter(isUnderWay),
    ceremonies: ceremonies.filter(isHeld),
  };
}

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [[title, ...lines].join("\n")];

function renderTask(task: RotationStatus["tasks"][number], status: RotationStatus): readonly string[] {
  const { severity, action, subject, dueAt } = task;
  const known = { keys: status.report.keys, rollovers: status.rollovers };
  const due = dueAt === undefined ? "" : `, before ${dueAt}`;
  return [`${severity}: ${action} ${printable(subject)}${due}`, `  ${taskRemedy(task, known)}`];
}

const renderUnderWay = (seen: Rollover): readonly string[] => [
  `${seen.rolloverId}: ${describeRollover(seen)}`,
  ...renderNext(seen).map((line) => `  ${line}`),
];

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

function summary({ tasks, report, rollovers }: RotationStatus): string {
  const used = report.keys.filter(({ use }) => use !== "out");
  const attention = used.filter(needsAttention).length;
  const keys = attention === 0 ? "all ok" : `${attention} not ok`;
  return `${count(tasks.length, "task")} for people; ${count(used.length, "key")}, ${keys}; ${count(rollovers.length, "rollover")} under way`;
}

/** What to do comes first. */
export function renderStatus(status: RotationStatus): string {
  const { tasks, report, rollovers, ceremonies } = status;
  const attention = renderKeys(report.keys.filter(needsAttention));
  return [
    summary(status),
    ...section(
      "TO DO",
      tasks.flatMap((task) => renderTask(task, status)),
    ),
    ...section("KEYS THAT ARE NOT OK", attention === "" ? [] : [attention]),
    ...section("ROLLOVERS UNDER WAY", rollovers.flatMap(renderUnderWay)),
    ...section("CEREMONIES", ceremonies.map(renderCeremony)),
  ].join("\n\n");
}
