/**
 * Room: core/rotation. The end of a retired authority's key. Two people decide, and the task asks the key's keeper, who
 * waits for thirty days; until then others may call it off, and the task asks again. What people decided is recorded
 * before anything is asked for, so a run that died leaves nothing unknown.
 */
import { executeApproved } from "../access/approval.ts";
import { AppError, isAppError } from "../errors.ts";
import type { RevocationApp, RotationApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { wake } from "../revocation/wake.ts";
import { rotationStandard } from "../standard/rotation.ts";
import { assertApproved } from "./approved.ts";
import { rolloverView } from "./rollover.ts";
import {
  authorityMove,
  entered,
  findRollover,
  type Move,
  moveOf,
  storedAuthority,
} from "./rollover-store.ts";
import { rolloverEntry } from "./transitions.ts";
import type { RolloverRequest, RolloverView } from "./views.ts";

/**
 * For which a cancellation is asked for again at every run: a request for destruction that another run sent before, and
 * that was slow, is undone too.
 */
const settledMilliseconds = 3_600_000;

/** retired: two people have decided that the key goes. */
export function decision(
  app: RotationApp | RevocationApp,
  stored: Stored<RolloverRecord>,
  actor: string,
): Move {
  const { destructionCancelledAt: _, ...value } = stored.value;
  const record: RolloverRecord = { ...value, destructionApprovedAt: app.clock.now() };
  return moveOf(stored, record, rolloverEntry(app, record, "rollover.destruction-decided", actor));
}

async function cancellation(
  app: RevocationApp,
  stored: Stored<RolloverRecord>,
  actor: string,
): Promise<Move> {
  const now = app.clock.now();
  const { destructionApprovedAt: _, deletionAt: __, ...value } = stored.value;
  const record: RolloverRecord = {
    ...(value.state === "destroyed" ? entered(value, "retired", now) : value),
    destructionCancelledAt: now,
  };
  const entry = rolloverEntry(app, record, "rollover.destruction-cancelled", actor);
  if (value.state !== "destroyed") return moveOf(stored, record, entry);
  const authority = await storedAuthority(app, record.fleet, record.fromId);
  return moveOf(stored, record, authorityMove(authority, ["destroyed"], "retired", now), entry);
}

/**
 * Calls the destruction off, back to `retired`; the task brings the key back.
 * @throws AppError not_found, approval_mismatch, approval_spent, rollover_state_invalid (nobody has decided on it, or
 * the key is gone), store_condition_failed (something changed meanwhile; the approval is still good).
 */
export async function cancelDestruction(app: RevocationApp, request: RolloverRequest): Promise<RolloverView> {
  const { caller, approval, rolloverId } = request;
  assertApproved(approval, "keyDestruction");
  const stored = await findRollover(app, { fleet: caller.fleet, rolloverId });
  const { state, destructionApprovedAt, deletionAt, endedAt } = stored.value;
  if (destructionApprovedAt === undefined)
    throw new AppError(
      "rollover_state_invalid",
      `the rollover is ${state}, and nobody has decided to destroy its predecessor's key; there is nothing to call off`,
    );
  if (endedAt !== undefined || (deletionAt !== undefined && app.clock.now() >= deletionAt))
    throw new AppError("rollover_state_invalid", "the key is destroyed; nothing brings it back");
  const { record, writes } = await cancellation(app, stored, caller.actor);
  await executeApproved(app, approval, writes);
  await wake(app, "rotate");
  return rolloverView(app, record);
}

/** Asks for the destruction that two people have decided on, and records when the key is gone. */
export async function destruction(app: RotationApp, stored: Stored<RolloverRecord>): Promise<Move> {
  const { fleet, fromId } = stored.value;
  const authority = await storedAuthority(app, fleet, fromId);
  const { keyId, custody } = authority.value;
  const now = app.clock.now();
  const days = rotationStandard.deletionDays;
  // A key that is kept elsewhere is destroyed there; people have said that it is.
  const deletionAt = custody === "offline" ? now : await deletionTime(app, keyId, days);
  const record: RolloverRecord = { ...entered(stored.value, "destroyed", now), deletionAt };
  return moveOf(
    stored,
    record,
    authorityMove(authority, ["retired"], "destroyed", now),
    rolloverEntry(app, record, "rollover.advanced", "system", "destroyed"),
  );
}

async function deletionTime(app: RotationApp, keyId: string, days: number): Promise<number> {
  try {
    return (
      (await app.custody.scheduleDeletion(keyId, days)).deletionAt ?? app.clock.now() + days * 86_400_000
    );
  } catch (error) {
    // It is gone already.
    if (isAppError(error, "key_not_found")) return app.clock.now();
    throw error;
  }
}

/** The key was brought back too late. */
async function lost(app: RotationApp, stored: Stored<RolloverRecord>): Promise<Move> {
  const now = app.clock.now();
  const { destructionCancelledAt: _, ...value } = stored.value;
  const record: RolloverRecord = { ...entered(value, "destroyed", now), deletionAt: now, endedAt: now };
  const authority = await storedAuthority(app, value.fleet, value.fromId);
  return moveOf(
    stored,
    record,
    authorityMove(authority, ["retired"], "destroyed", now),
    rolloverEntry(app, record, "rollover.advanced", "system", "destroyed"),
  );
}

/** Brings the key back, again and again for an hour; then all is as if nobody had decided on it. */
export async function recovery(app: RotationApp, stored: Stored<RolloverRecord>): Promise<Move | undefined> {
  const { destructionCancelledAt = 0, ...value } = stored.value;
  const { keyId, custody } = (await storedAuthority(app, value.fleet, value.fromId)).value;
  try {
    if (custody !== "offline") await app.custody.cancelDeletion(keyId);
  } catch (error) {
    if (!isAppError(error, "key_not_found")) throw error;
    return await lost(app, stored);
  }
  return app.clock.now() < destructionCancelledAt + settledMilliseconds ? undefined : moveOf(stored, value);
}
