/** Room: cli. Keys, how old they are and what comes next, as a table. */
import type { KeyReport } from "../lambdas/http/rotation-answers.ts";
import { renderTable } from "./output.ts";

export type Key = KeyReport["keys"][number];

const header = ["KIND", "NAME", "ALGORITHM", "USE", "STATE", "DAYS", "DUE", "REFUSED", "CONDITION", "NEXT"];

/** Without the time of day: cryptoperiods are of days. */
const day = (time: string): string => time.slice(0, 10);

const nextOf = ({ nextAction, nextAt }: Key): string =>
  `${nextAction}${nextAt === undefined ? "" : ` ${day(nextAt)}`}`;

const rowOf = (key: Key): readonly string[] => [
  key.kind,
  key.name,
  key.algorithm ?? "",
  key.custody === "offline" ? `${key.use} (offline)` : key.use,
  key.state,
  String(key.ageDays),
  day(key.dueAt),
  day(key.refusedAt),
  key.condition ?? "",
  nextOf(key),
];

export const renderKeys = (keys: readonly Key[]): string =>
  keys.length === 0 ? "" : renderTable(header, keys.map(rowOf));

/** Somebody relies on it, and it is old or not as its service should have it. */
export function needsAttention({ use, state, condition = "enabled" }: Key): boolean {
  if (use === "out") return false;
  return (state !== "ok" && state !== "ended") || condition !== "enabled";
}
