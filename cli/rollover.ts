/** Room: cli. Authorities that follow one another: the service moves them on, here they are shown and followed. */
import { type Rollover, rollover } from "../lambdas/http/rotation-answers.ts";
import type { Context } from "./command.ts";
import type { FleetApi } from "./fleet-api.ts";
import { parseDrawnId } from "./page-flags.ts";
import { watchWork } from "./watched-work.ts";

export const rolloverArgument = {
  type: "positional",
  required: true,
  valueHint: "ROLLOVER",
  description: "Rollover, as `rotation list` names it",
} as const;

/** It takes days. */
const pollMilliseconds = 5_000;

export const parseRolloverId = (text: string): string => parseDrawnId("a rollover", text, "rotation list");

export const rolloverPath = (rolloverId: string): string => `/rollovers/${encodeURIComponent(rolloverId)}`;

export const showRollover = (api: FleetApi, rolloverId: string): Promise<Rollover> =>
  api.call({ method: "GET", path: rolloverPath(rolloverId), schema: rollover });

type Gate = NonNullable<Rollover["next"]>["gates"][number];

const gateWords = {
  ceremony: "two people open a ceremony, which certifies the successor",
  manifest: "the trust manifest that is in its place names the successor",
  days: "days in this state",
  adoption: "active devices have acknowledged that manifest",
  gateway: "the gateway lets its clients in",
  drained: "the predecessor's last certificate has ended",
  children: "nothing stands below the predecessor",
  approval: "two people decide",
} as const satisfies Readonly<Record<Gate["gate"], string>>;

export const gateMeaning = (gate: Gate["gate"]): string => gateWords[gate];

function count({ gate, have, want }: Gate): string {
  if (want === undefined) return "";
  if (gate === "children" && have !== undefined) return ` (${have} left)`;
  return ` (${have ?? "not known yet"} of ${want}${gate === "adoption" ? " %" : ""})`;
}

const measure = (gate: Gate): string =>
  `${count(gate)}${gate.at === undefined || gate.holds ? "" : `, by itself at ${gate.at}`}`;

const renderGate = (gate: Gate): string =>
  `  [${gate.holds ? "x" : " "}] ${gate.gate.padEnd(8)}  ${gateWords[gate.gate]}${measure(gate)}`;

/** The gates that do not hold, how far each is, and when time alone opens it. */
export const closedGates = ({ next }: Rollover): readonly string[] =>
  (next?.gates ?? []).filter(({ holds }) => !holds).map((gate) => `${gate.gate}${measure(gate)}`);

/** The same, short enough for a cell of a table or a line of a terminal. */
export const waitsFor = ({ next }: Rollover): string =>
  (next?.gates ?? [])
    .filter(({ holds }) => !holds)
    .map((gate) => `${gate.gate}${count(gate)}`)
    .join(", ");

/** What it has come to, in a line. */
export function describeRollover({ state, kind, from, to, enteredAt, emergency }: Rollover): string {
  const haste = emergency ? ", an emergency," : "";
  return `${kind} rollover ${from} to ${to}${haste} is ${state} since ${enteredAt}`;
}

/** What people do next; undefined while the service goes on by itself. */
export function nextCommand(seen: Rollover): string | undefined {
  const { rolloverId, state, custody, from, emergency, destructionApprovedAt } = seen;
  if (state === "planned")
    return custody === "offline"
      ? `fleetkey ceremony request ${rolloverId}`
      : `fleetkey ceremony open --purpose rollover --rollover ${rolloverId}`;
  if (emergency && state === "draining") return `fleetkey rotation advance ${rolloverId} --to retired`;
  if (state === "retired" && destructionApprovedAt === undefined)
    return `fleetkey key destroy ${rolloverId} --authority ${from}`;
  return undefined;
}

const timeWords = {
  publishedAt: "trusted since",
  namedAt: "named by a manifest since",
  activatedAt: "issued since",
  drainedAt: "predecessor drained by",
  retiredAt: "predecessor retired at",
  destructionApprovedAt: "destruction decided at",
  deletionAt: "key gone for good at",
  endedAt: "over since",
} as const;

function facts(seen: Rollover): readonly string[] {
  const { createdAt, createdBy, algorithm, custody, trustVersion } = seen;
  const names = Object.keys(timeWords) as (keyof typeof timeWords)[];
  const times = names.flatMap((name) =>
    seen[name] === undefined ? [] : [`${timeWords[name]} ${seen[name]}`],
  );
  const where = custody === "offline" ? ", its key offline" : "";
  return [
    `planned ${createdAt} by ${createdBy}: ${algorithm}${where}`,
    ...times,
    ...(trustVersion === undefined ? [] : [`trust manifest ${trustVersion}`]),
  ];
}

/** The state that follows, and what it waits for. */
export function renderNext(seen: Rollover): readonly string[] {
  const { next, rolloverId, mayRollBack } = seen;
  const command = nextCommand(seen);
  return [
    ...(next === undefined
      ? ["nothing follows"]
      : [`next ${next.state}, when`, ...next.gates.map(renderGate)]),
    ...(command === undefined ? [] : [`do: ${command}`]),
    ...(mayRollBack ? [`taken back by: fleetkey rotation rollback ${rolloverId}`] : []),
  ];
}

export const renderRollover = (seen: Rollover): string =>
  [`${seen.rolloverId}: ${describeRollover(seen)}`, ...facts(seen), ...renderNext(seen)].join("\n");

const isSettled = ({ state }: Rollover): boolean =>
  state === "active" || state === "retired" || state === "destroyed" || state === "rolledBack";

/** Until the successor issues, the predecessor is out, or it was taken back. */
export function followRollover(api: FleetApi, first: Rollover, context: Context): Promise<Rollover> {
  const { rolloverId } = first;
  const describe = (seen: Rollover): string => {
    const closed = waitsFor(seen);
    return `${seen.state}${closed === "" ? "" : `: waits for ${closed}`}`;
  };
  const goesOn = `the rollover goes on without you: fleetkey rotation watch ${rolloverId} follows it, fleetkey rotation rollback ${rolloverId} takes it back`;
  const look = () => showRollover(api, rolloverId);
  const work = { look, isThere: isSettled, describe, goesOn, milliseconds: pollMilliseconds };
  return watchWork(first, work, context);
}
