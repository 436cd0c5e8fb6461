/**
 * Room: core/rotation. A rollover goes on: by itself when all its gates hold, and where people must decide, by two of
 * them. Each step is one transaction conditioned on the rollover as it was read: whoever repeats a step that another
 * run has done finds the next one.
 */
import { executeApproved } from "../access/approval.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, RevocationApp, RotationApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { RolloverRecord, RolloverState } from "../records/rollover-record.ts";
import { wake } from "../revocation/wake.ts";
import { assertApproved } from "./approved.ts";
import { automaticMove } from "./automatic.ts";
import { decision } from "./destruction.ts";
import { issuerBelow } from "./emergency.ts";
import { emergencyGates, nextStep } from "./gates.ts";
import { rolloverView } from "./rollover.ts";
import { planDueRollover } from "./rollover-plan.ts";
import { allRollovers, findRollover, isOpen, type Move } from "./rollover-store.ts";
import { survey } from "./survey.ts";
import { activation, draining, retirement } from "./transitions.ts";
import type { AdvanceRequest, GateView, RolloverView } from "./views.ts";

function stateInvalid({ state }: RolloverRecord, to: RolloverState, next?: RolloverState): AppError {
  const remedy = next === undefined ? "nothing follows" : `${next} follows`;
  return new AppError(
    "rollover_state_invalid",
    `the rollover is ${state} and cannot become ${to}; ${remedy}`,
  );
}

function describe({ gate, have, want, at }: GateView): string {
  const measure = want === undefined ? "" : ` (${have ?? "not known yet"} of ${want})`;
  return `${gate}${measure}${at === undefined ? "" : ` until ${at}`}`;
}

function assertGates(gates: readonly GateView[]): void {
  // What the gate "approval" waits for is this very call.
  const closed = gates.filter(({ gate, holds }) => !holds && gate !== "approval");
  if (closed.length === 0) return;
  throw new AppError(
    "rollover_gate_closed",
    `the rollover waits for: ${closed.map(describe).join("; ")}. Repeat this when that is there`,
  );
}

/** Whether an emergency ends the draining before its time. */
const isCutShort = ({ emergency, state }: RolloverRecord, to: RolloverState): boolean =>
  emergency && to === "retired" && (state === "active" || state === "draining");

async function assertMayAdvance(app: KeylessApp, rollover: RolloverRecord, to: RolloverState): Promise<void> {
  if (isCutShort(rollover, to)) return assertGates(await emergencyGates(app, rollover));
  const next = await nextStep(app, rollover);
  if (next?.state !== to) throw stateInvalid(rollover, to, next?.state);
  if (to === "destroyed" && rollover.destructionApprovedAt !== undefined)
    throw new AppError("rollover_state_invalid", "two people have decided on it already; it is under way");
  assertGates(next.gates);
}

async function moveTo(
  app: RevocationApp,
  stored: Stored<RolloverRecord>,
  to: RolloverState,
  actor: string,
): Promise<Move> {
  if (to === "active") return await activation(app, stored, actor);
  if (to === "draining") return draining(app, stored, actor);
  if (to === "retired") return await retirement(app, stored, actor);
  if (to === "destroyed") return decision(app, stored, actor);
  throw stateInvalid(stored.value, to);
}

/** The rollover as what it has become: a key may be lost while what it signed drains. */
function declared(
  { value, version }: Stored<RolloverRecord>,
  { to, emergency = false }: AdvanceRequest,
): Stored<RolloverRecord> {
  if (emergency && to !== "retired")
    throw new AppError("request_invalid", `an emergency ends what drains; say "retired", not "${to}"`);
  return { value: emergency ? { ...value, emergency } : value, version };
}

/**
 * People move it on before the task does, or where only they can. `destroyed` begins with their decision: the rollover
 * stays retired until the key's keeper was asked.
 * @throws AppError not_found, approval_mismatch, approval_spent, rollover_state_invalid (another state follows), request_invalid,
 * rollover_gate_closed (names each gate that does not hold), store_condition_failed (something changed meanwhile).
 * The approval is still good after all but approval_spent.
 */
export async function advanceRollover(app: RevocationApp, request: AdvanceRequest): Promise<RolloverView> {
  const { caller, approval, rolloverId, to } = request;
  assertApproved(approval, to === "destroyed" ? "keyDestruction" : "authorityRotation");
  const stored = declared(await findRollover(app, { fleet: caller.fleet, rolloverId }), request);
  await assertMayAdvance(app, stored.value, to);
  const { record, writes } = await moveTo(app, stored, to, caller.actor);
  await executeApproved(app, approval, writes);
  await wake(app, "publish");
  await wake(app, "rotate");
  return rolloverView(app, record);
}

/** More than a rollover takes in one run, with races that are lost. */
const stepsOfOne = 24;

/** Steps that this run has made. */
async function moveOn(
  app: RotationApp,
  { fleet, rolloverId }: RolloverRecord,
  until: number,
): Promise<number> {
  let steps = 0;
  for (let attempt = 1; attempt <= stepsOfOne && app.clock.now() < until; attempt += 1) {
    const stored = await findRollover(app, { fleet, rolloverId });
    const move = await automaticMove(app, stored);
    if (move === undefined) return steps;
    try {
      await app.items.transact(move.writes);
    } catch (error) {
      // Another run, or people, were faster: the next look sees what they did.
      if (!isAppError(error, "store_condition_failed")) throw error;
      continue;
    }
    steps += 1;
    if (move.record.state !== stored.value.state) await wake(app, "publish");
  }
  return steps;
}

/** Below a root that goes, the authority that issues goes too: its rollover follows by itself. */
async function follow(app: RotationApp, rollover: RolloverRecord): Promise<number> {
  const { kind, state, emergency, fleet } = rollover;
  if (kind !== "root" || (state !== "active" && state !== "draining")) return 0;
  if (!(await issuerBelow(app, rollover))) return 0;
  const known = await allRollovers(app, fleet);
  if (known.some(({ value }) => value.kind === "issuing" && isOpen(value))) return 0;
  const planned = await planDueRollover(app, await getFleet(app, fleet), "issuing", { emergency });
  return planned === undefined ? 0 : 1;
}

/**
 * Every step of the fleet's rollovers that needs nobody. One that fails keeps no other from being done; the first
 * failure is thrown at the end.
 * @param until Milliseconds since the epoch after which nothing new is begun. @default without end
 * @returns Steps. @throws AppError store_unavailable, notifier_unavailable, key_service_unavailable, key_not_found.
 */
export async function advanceRollovers(
  app: RotationApp,
  fleet: string,
  until = Number.POSITIVE_INFINITY,
): Promise<number> {
  const failures: unknown[] = [];
  let steps = 0;
  const attempt = async (act: () => Promise<number>) => {
    if (app.clock.now() >= until) return;
    try {
      steps += await act();
    } catch (error) {
      failures.push(error);
    }
  };
  for (const { value } of await allRollovers(app, fleet)) {
    if (value.endedAt !== undefined && value.toldState === value.state) continue;
    if (value.state === "published" && value.adoptionPercent > 0 && value.trustVersion !== undefined)
      await attempt(async () => {
        // A large fleet is counted in several runs: the other half of the time is for what people wait for.
        const now = app.clock.now();
        await survey(app, fleet, value, now + (until - now) / 2);
        return 0;
      });
    await attempt(() => moveOn(app, value, until));
    await attempt(async () => follow(app, (await findRollover(app, value)).value));
  }
  if (failures.length > 0) throw failures[0];
  return steps;
}
