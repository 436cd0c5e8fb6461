/** Room: scripts. What a simulated decade comes to, as Markdown; and the same as JSON, to be read again. */

import { table } from "../scale/timing.ts";
import { habits } from "./habits.ts";
import { type KeyLimit, type Outcome, sumOf, type Year } from "./ledger.ts";

/** Maps as arrays of pairs under a name that says so. */
export const toText = (outcome: Outcome): string =>
  JSON.stringify(outcome, (_, value) => (value instanceof Map ? { pairs: [...value] } : value));

/** Of a file that `toText` wrote. */
export function fromText(text: string): Outcome {
  return JSON.parse(text, (_, value) =>
    typeof value === "object" && value !== null && "pairs" in value && Array.isArray(value.pairs)
      ? new Map(value.pairs)
      : value,
  );
}

const whole = (value: number): string => Math.round(value).toLocaleString("en-US").replaceAll(",", " ");
const percent = (value: number): string => (value === 0 ? "–" : value.toFixed(2));
const hourText = (time: number): string => new Date(time).toISOString().slice(5, 13).replace("T", " ");

function rolloversIn({ rollovers }: Outcome, year: Year): string {
  const start = Date.UTC(2027, 0, 1);
  const begun = rollovers.filter(({ entered: { active } }) => {
    if (active === undefined) return false;
    return new Date(start + active * 86_400_000).getUTCFullYear() === year.year;
  });
  return begun.map(({ to, emergency }) => (emergency ? `${to} (emergency)` : to)).join(", ") || "–";
}

function yearTable(outcome: Outcome): string {
  const head = ["year", "came into use", "trust versions", "renewals", "peak %/h", "at", "in emergency %/h"];
  const more = [
    "quarantine",
    "enrolled anew",
    "validations",
    "refused: expired",
    "refused: lost authority",
    "refused: trust run out",
    "refused: no path",
  ];
  const rows = outcome.years.map((year) => [
    ...[String(year.year), rolloversIn(outcome, year), whole(year.trustVersions), whole(year.renewals)],
    ...[percent(year.peak), hourText(year.peakAt), percent(year.emergencyPeak)],
    ...[whole(year.quarantined), whole(year.enrolledAnew), whole(year.validations)],
    ...[whole(year.expired), whole(year.lostAuthority), whole(year.staleTrust), whole(year.noPath)],
  ]);
  const sum = (member: Parameters<typeof sumOf>[1]): string => whole(sumOf(outcome.years, member));
  const most = (member: "peak" | "emergencyPeak"): string =>
    percent(Math.max(...outcome.years.map((year) => year[member])));
  rows.push([
    ...["all", "", sum("trustVersions"), sum("renewals"), most("peak"), "", most("emergencyPeak")],
    ...[sum("quarantined"), sum("enrolledAnew"), sum("validations")],
    ...[sum("expired"), sum("lostAuthority"), sum("staleTrust"), sum("noPath")],
  ]);
  return table([[...head, ...more], ...rows]);
}

function keyRows(what: string, keys: ReadonlyMap<string, KeyLimit>): string[][] {
  return [...keys].map(([kind, { longest, limit, name }]) => [
    ...[`${kind}, ${what}`, longest.toFixed(0), String(limit), name],
  ]);
}

function keyTable({ keys, draining }: Outcome): string {
  const head = ["key", "oldest, days", "limit, days", "which"];
  return table([
    head,
    ...keyRows("signs or is used", keys),
    ...keyRows("signs for what is draining", draining),
  ]);
}

function rolloverTable({ rollovers }: Outcome): string {
  const states = ["planned", "published", "active", "draining", "retired", "destroyed"];
  const at = (days: number | undefined): string => (days === undefined ? "–" : days.toFixed(1));
  const rows = rollovers.map(({ from, to, emergency, entered, adoption }) => [
    `${from} → ${to}${emergency ? " (emergency)" : ""}`,
    ...states.map((state) => at(entered[state])),
    adoption === undefined ? "–" : adoption.toFixed(1),
  ]);
  return table([["rollover", ...states, "adoption %"], ...rows]);
}

function facts(outcome: Outcome): string {
  const { years } = outcome;
  const rows: readonly (readonly [string, string])[] = [
    [
      "devices, days, hours",
      `${whole(outcome.devices)}, ${whole(outcome.days)}, ${whole(sumOf(years, "hours"))}`,
    ],
    ["certificates issued to devices", whole(outcome.certificates)],
    ["that outlive their issuer", whole(outcome.outlivesIssuer)],
    ["devices enrolled, retired", `${whole(sumOf(years, "enrolled"))}, ${whole(sumOf(years, "retired"))}`],
    ["authorities with the chain given out", whole(outcome.sources)],
    ["trust sets that manifests amount to", whole(outcome.trustSets)],
    ["pairs of a certificate's source and a trust held", whole(outcome.pairs)],
    [
      "paths validated by X509Certificate, and by OpenSSL",
      `${whole(outcome.paths)}, ${whole(outcome.byOpenssl)}`,
    ],
    ["ways from manifest to manifest walked", whole(outcome.walks)],
    ["manifests that could not be believed", whole(sumOf(years, "unbelieved"))],
    ["ceremonies held", whole(outcome.ceremonies)],
    ["steps of tasks that failed", whole(outcome.failedSteps)],
    ["tasks for people that were no ceremony and no destruction", outcome.otherTasks.join(", ") || "none"],
  ];
  return table([["measure", "value"], ...rows]);
}

const habitTable = (): string =>
  table([["devices", "share %"], ...habits.map(({ name, share }) => [name, (share * 100).toFixed(0)])]);

export function renderOutcome(outcome: Outcome): string {
  return [
    facts(outcome),
    habitTable(),
    yearTable(outcome),
    keyTable(outcome),
    rolloverTable(outcome),
    ...outcome.failures,
  ].join("\n\n");
}
