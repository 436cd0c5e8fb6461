/**
 * Room: core/rotation. The beginning of a rollover: what it would do, and the decision. Of a kind one is under way at a
 * time, until its predecessor drains; the fleet's record is written with each, so that no two begin at once.
 */
import { executeApproved } from "../access/approval.ts";
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import { authorityAlgorithms } from "../formats/algorithms.ts";
import type { KeylessApp, RevocationApp, RotationApp, WriteOperation } from "../ports.ts";
import { fleetItem } from "../records/fleet-record.ts";
import { type RolloverRecord, rolloverItem } from "../records/rollover-record.ts";
import { wake } from "../revocation/wake.ts";
import { rotationStandard } from "../standard/rotation.ts";
import { assertApproved } from "./approved.ts";
import { nextAuthorityId } from "./authority-id.ts";
import { blastRadius, plannedSteps } from "./blast-radius.ts";
import { rolloverView } from "./rollover.ts";
import { allRollovers, drawId, isOpen, predecessor } from "./rollover-store.ts";
import { rolloverEntry } from "./transitions.ts";
import type { PlanRequest, PreviewRequest, RolloverPlan, RolloverView } from "./views.ts";

type Wish = Omit<PreviewRequest, "fleet">;

function assertWish({ kind, algorithm, custody }: Wish): void {
  if (kind !== "root" && kind !== "issuing")
    throw new AppError("request_invalid", "kind is neither root nor issuing; name one of them");
  if (algorithm !== undefined && !Object.hasOwn(authorityAlgorithms, algorithm))
    throw new AppError(
      "algorithm_not_permitted",
      `the algorithm is none of authorities; use ${Object.keys(authorityAlgorithms).join(", ")}`,
    );
  if (custody === "offline" && kind === "issuing")
    throw new AppError(
      "request_invalid",
      "custody offline is for roots: an issuing authority signs every day; leave custody out",
    );
}

interface Draft {
  readonly record: RolloverRecord;
  /** Of this kind, and in the way. */
  readonly open: RolloverRecord | undefined;
}

async function draft(app: KeylessApp, fleet: Fleet, wish: Wish, actor: string): Promise<Draft> {
  const { kind, emergency = false } = wish;
  const from = predecessor(fleet, kind);
  // An offline root certifies an offline one alone; an emergency waits for no other machine.
  const custody = wish.custody ?? (emergency ? undefined : from.custody) ?? "service";
  const { publishedDays, activeDays } = rotationStandard.rollover;
  const known = (await allRollovers(app, fleet.record.fleet)).map(({ value }) => value);
  const now = app.clock.now();
  const record: RolloverRecord = {
    fleet: fleet.record.fleet,
    rolloverId: drawId(app, now),
    kind,
    state: "planned",
    fromId: from.authorityId,
    toId: nextAuthorityId(fleet, known, kind),
    algorithm: wish.algorithm ?? from.algorithm,
    custody,
    emergency,
    publishedDays: emergency ? 0 : publishedDays[kind],
    activeDays: emergency ? 0 : activeDays[kind],
    adoptionPercent: emergency ? 0 : fleet.configuration.rolloverAdoptionPercent,
    createdAt: now,
    createdBy: actor,
    enteredAt: now,
  };
  return { record, open: known.find((one) => one.kind === kind && isOpen(one)) };
}

/** The fleet's record as it is: whoever plans at the same time, or changes its issuer, is a loser here. */
function writesOf(app: KeylessApp, fleet: Fleet, record: RolloverRecord): readonly WriteOperation[] {
  return [
    { put: rolloverItem(record), when: "absent" },
    { put: fleetItem(fleet.record), when: fleet.version },
    rolloverEntry(app, record, "rollover.planned", record.createdBy, record.toId),
  ];
}

/**
 * Changes nothing.
 * @throws AppError not_found (no such fleet), request_invalid, algorithm_not_permitted, authority_unavailable.
 */
export async function previewRollover(app: KeylessApp, request: PreviewRequest): Promise<RolloverPlan> {
  assertWish(request);
  const fleet = await getFleet(app, request.fleet);
  const { record, open } = await draft(app, fleet, request, "system");
  const { kind, fromId, toId, algorithm, custody, emergency } = record;
  return {
    ...{ kind, from: fromId, to: toId, algorithm, custody, emergency },
    steps: plannedSteps(fleet, record, app.clock.now()),
    keys: custody === "offline" ? [] : [{ name: `${request.fleet}-${toId}`, algorithm }],
    ...(await blastRadius(app, fleet, record)),
    ...(open === undefined ? {} : { blockedBy: open.rolloverId }),
  };
}

/**
 * Decides that an authority is replaced: nothing is made before a ceremony.
 * @throws AppError approval_mismatch, approval_spent, request_invalid, algorithm_not_permitted, authority_unavailable,
 * rollover_state_invalid (one of this kind is under way), store_condition_failed (the fleet was changed meanwhile;
 * the approval is still good).
 */
export async function planRollover(app: RevocationApp, request: PlanRequest): Promise<RolloverView> {
  const { caller, approval } = request;
  assertApproved(approval, "authorityRotation");
  assertWish(request);
  const fleet = await getFleet(app, caller.fleet);
  const { record, open } = await draft(app, fleet, request, caller.actor);
  if (open !== undefined)
    throw new AppError(
      "rollover_state_invalid",
      `rollover ${open.rolloverId} of kind ${open.kind} is ${open.state}; let it come to draining, or take it back`,
    );
  await executeApproved(app, approval, writesOf(app, fleet, record));
  await wake(app, "rotate");
  return rolloverView(app, record);
}

/**
 * As the system plans it, because it is due or follows from another; undefined where one of this kind is under way, and
 * where another run was faster.
 * @param options.emergency As of the rollover that it follows. @default false
 * @throws AppError authority_unavailable, store_unavailable.
 */
export async function planDueRollover(
  app: RotationApp,
  { record: { fleet: name } }: Fleet,
  kind: RolloverRecord["kind"],
  options: { readonly emergency?: boolean } = {},
): Promise<RolloverRecord | undefined> {
  // Afresh: what is planned is decided from the very record that it is conditioned on.
  const fleet = await getFleet(app, name);
  const { record, open } = await draft(app, fleet, { kind, ...options }, "system");
  if (open !== undefined) return undefined;
  try {
    await app.items.transact(writesOf(app, fleet, record));
    return record;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return undefined;
    throw error;
  }
}
