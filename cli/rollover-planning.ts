/** Room: cli. A rollover before it is decided: what it would do, when, and to how many; then the decision. */
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../core/formats/algorithms.ts";
import {
  type Rollover,
  type RolloverPlan,
  rollover,
  rolloverPage,
  rolloverPlan,
} from "../lambdas/http/rotation-answers.ts";
import type { Context } from "./command.ts";
import { approvalFlags, callCritical, orElse } from "./critical-operation.ts";
import type { ExitName } from "./exit-codes.ts";
import { Failure, usageFailure } from "./failure.ts";
import { type FleetApi, queryOf } from "./fleet-api.ts";
import { countedAt } from "./instant.ts";
import { gateMeaning, renderRollover } from "./rollover.ts";
import type { Settings } from "./settings.ts";
import { printable } from "./terminal.ts";

const algorithms = Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[];

export const planningFlags = {
  algorithm: {
    type: "enum",
    options: algorithms,
    valueHint: "ALGORITHM",
    description: "Of the successor's key, the predecessor's if not given; one of",
  },
  offline: { type: "boolean", description: "The new root's key is on a machine without a network" },
  emergency: {
    type: "boolean",
    description: "The predecessor's key is lost: no gate is waited for, and its devices renew at once",
  },
  "dry-run": { type: "boolean", description: "Show what it would do, and decide nothing" },
  ...approvalFlags,
} as const;

export interface PlanningFlags {
  readonly algorithm?: string | undefined;
  readonly offline?: boolean | undefined;
  readonly emergency?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
  readonly approval?: string | undefined;
  readonly "no-wait"?: boolean | undefined;
}

export type AuthorityKind = RolloverPlan["kind"];

/** Throws `usage` for flags that go not together. */
export function assertPlanning(flags: PlanningFlags, kind?: AuthorityKind): void {
  const asks = flags.approval !== undefined || flags["no-wait"] === true;
  if (flags["dry-run"] === true && asks)
    throw usageFailure("--dry-run goes with neither --approval nor --no-wait: it needs no approval");
  if (flags.offline === true && kind === "issuing")
    throw usageFailure("--offline is for roots: an issuing authority signs every day");
}

function bodyOf({ algorithm, offline, emergency }: PlanningFlags, kind: AuthorityKind) {
  return {
    kind,
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(offline === true ? { custody: "offline" } : {}),
    // Named in any case: whoever approves reads it.
    emergency: emergency === true,
  };
}

function renderStep({ state, gates, by, at }: RolloverPlan["steps"][number]): string {
  const who = by === "people" ? "two people" : "by itself";
  const when = at === undefined ? "when other rollovers are done" : `from ${at}`;
  return `  ${state.padEnd(9)}  ${who.padEnd(10)}  ${when}, when: ${gates.map(gateMeaning).join("; ")}`;
}

function renderReach({ inForce, devices }: RolloverPlan): readonly string[] {
  const profiles = Object.entries(inForce.byProfile).map(([id, count]) => `${count} ${printable(id)}`);
  const which = profiles.length === 0 ? "" : `: ${profiles.join(", ")}`;
  const trusting =
    devices === undefined
      ? "no trust manifest was published yet"
      : `${devices.trusting} devices have acknowledged the trust, ${devices.upToDate} of them its newest version (${countedAt(devices.asOf)})`;
  return [`in force: ${inForce.certificates} certificates${which} (${countedAt(inForce.asOf)})`, trusting];
}

export function renderPlan(plan: RolloverPlan): string {
  const { kind, from, to, algorithm, custody, emergency, steps, keys, blockedBy } = plan;
  const where = custody === "offline" ? ", its key offline" : "";
  const needed = keys.map(({ name, algorithm: id }) => `${printable(name)} (${id})`).join(", ");
  return [
    `${kind} rollover ${from} to ${to}, ${algorithm}${where}${emergency ? ", an emergency" : ""}`,
    ...renderReach(plan),
    ...(keys.length === 0 ? [] : [`keys that must be there: ${needed}`]),
    ...steps.map(renderStep),
    ...(blockedBy === undefined ? [] : [`not now: rollover ${blockedBy} of this kind is under way`]),
  ].join("\n");
}

const blocked = (rolloverId: string): Failure =>
  new Failure(
    "refused",
    "rollover_state_invalid",
    `rollover ${rolloverId} of this kind is under way; nobody was asked`,
    { remedy: `let it come to draining, or take it back: fleetkey rotation show ${rolloverId}` },
  );

/** The very rollover, where the answer to the first attempt was lost and the second finds its approval spent. */
async function findPlanned(api: FleetApi, plan: RolloverPlan): Promise<Rollover | undefined> {
  const call = { method: "GET", path: "/rollovers?limit=10", schema: rolloverPage } as const;
  const members = ["kind", "from", "to", "algorithm", "custody", "emergency"] as const;
  return (await api.call(call)).rollovers.find((each) =>
    members.every((member) => each[member] === plan[member]),
  );
}

export interface Planning {
  readonly kind: AuthorityKind;
  readonly flags: PlanningFlags;
  readonly settings: Settings;
}

/** Shows the plan and its reach; but for a dry run then asks for the approval, and plans it. */
export async function planRollover(
  api: FleetApi,
  { kind, flags, settings }: Planning,
  context: Context,
): Promise<ExitName | undefined> {
  const { output } = context;
  const body = bodyOf(flags, kind);
  const query = queryOf({ ...body, emergency: String(body.emergency) });
  const plan = await api.call({ method: "GET", path: `/rollover-plan?${query}`, schema: rolloverPlan });
  if (flags["dry-run"] === true) {
    output.answer(plan, renderPlan(plan));
    return undefined;
  }
  output.note(renderPlan(plan));
  if (plan.blockedBy !== undefined) throw blocked(plan.blockedBy);
  const call = {
    operation: "planRollover",
    method: "POST",
    path: "/rollovers",
    body,
    schema: rollover,
  } as const;
  const planned = await orElse(callCritical(api, call, flags, settings, context), () =>
    findPlanned(api, plan),
  );
  if (planned === undefined) return "pending";
  output.answer(planned, renderRollover(planned));
  return undefined;
}
