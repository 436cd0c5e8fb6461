/**
 * Room: core/protection. The destruction of the keys of a subject or of a fleet, as two people decide it. From the
 * decision on nothing is made or opened any more; the task destroys the keys (`shred-work.ts`).
 */
import { type ApprovedOperation, executeApproved } from "../access/approval.ts";
import type { OperatorCaller } from "../access/caller.ts";
import { auditEntry } from "../audit/entry.ts";
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { ProtectionApp, WriteOperation } from "../ports.ts";
import { fleetItem } from "../records/fleet-record.ts";
import { type ShredReason, type ShredRecord, shredItem, shredReasons } from "../records/shred-record.ts";
import { wake } from "../revocation/wake.ts";
import { codeOf, drawKeepingId } from "./safekeeping-list.ts";
import { checkShredScope, type ShredScope } from "./shred-scope.ts";
import { isMarked, mark } from "./shred-tombstone.ts";
import { type ShredView, shredView } from "./shred-view.ts";

export { getShred, listShreds, type ShredView } from "./shred-view.ts";

export interface ShredDecision extends ShredScope {
  readonly caller: OperatorCaller;
  /** Of `dataDestruction`. */
  readonly approval: ApprovedOperation;
  readonly reason: ShredReason;
}

/** The record of the fleet changes seldom; so many losses in a row mean that something else is wrong. */
const attempts = 5;

function checkDecision({ approval, reason, ...scope }: ShredDecision): void {
  if (approval.critical !== "dataDestruction")
    throw new AppError("approval_mismatch", "the approval is for another operation; ask for one for this");
  if (!shredReasons.includes(reason))
    throw new AppError("request_invalid", `reason is refused; limit ${shredReasons.join(", ")}`);
  checkShredScope(scope);
}

async function assertNotShredded(
  app: ProtectionApp,
  { record }: Fleet,
  { subject }: ShredDecision,
): Promise<void> {
  if (record.dataShreddedAt !== undefined)
    throw new AppError("subject_shredded", "the fleet's data were shredded already; list the destructions");
  if (subject !== undefined && (await isMarked(app, { fleet: record.fleet, subject })))
    throw new AppError("subject_shredded", "the subject was shredded already; list the destructions");
}

function decided(app: ProtectionApp, decision: ShredDecision): ShredRecord {
  const { caller, approval, scope, subject, reason } = decision;
  const decidedAt = app.clock.now();
  return {
    fleet: caller.fleet,
    shredId: drawKeepingId(app, decidedAt),
    state: "decided",
    scope,
    ...(subject === undefined ? {} : { subject }),
    reason,
    decidedAt,
    decidedBy: caller.actor,
    approvalId: approval.approvalId,
    destroyed: 0,
    failures: 0,
  };
}

/** Of a fleet, its record says so too: the door reads it with every request. */
function writesOf(app: ProtectionApp, shred: ShredRecord, fleet: Fleet): readonly WriteOperation[] {
  const { decidedBy: actor, shredId: subject, reason, scope, decidedAt } = shred;
  const act = { fleet: shred.fleet, action: "shred.decided", actor, subject, result: "success" } as const;
  const record = { put: fleetItem({ ...fleet.record, dataShreddedAt: decidedAt }), when: fleet.version };
  return [
    { put: shredItem(shred), when: "absent" },
    auditEntry(app, { ...act, reason }),
    ...(scope === "fleet" ? [record] : []),
  ];
}

/** The decision, the approval that it spends and the audit entry, all or none; again when the fleet was changed. */
async function decide(app: ProtectionApp, decision: ShredDecision): Promise<ShredRecord> {
  let fleet = decision.caller.fleetState;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await assertNotShredded(app, fleet, decision);
    const shred = decided(app, decision);
    try {
      await executeApproved(app, decision.approval, writesOf(app, shred, fleet));
      return shred;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
      fleet = await getFleet(app, decision.caller.fleet);
    }
  }
  throw new AppError("store_condition_failed", "the fleet was changed at the same moment; repeat this", {
    retryAfter: 1,
  });
}

/** At once, not when the task comes. Where it fails the task does it: what is decided stays decided. */
async function markNow(app: ProtectionApp, shred: ShredRecord): Promise<void> {
  try {
    await mark(app, shred, app.clock.now());
  } catch (error) {
    app.log.warn("shred_not_marked", { shredId: shred.shredId, code: codeOf(error) });
  }
}

/**
 * Decides the destruction, which nobody can take back. A subject that never had keys may be shredded too: none is ever
 * made for it. Purposes wrapped under the fleet's own key are shredded with the fleet alone.
 * @throws AppError request_invalid, name_not_permitted (the subject), subject_shredded (done before; the approval is
 * still good after these), approval_mismatch, approval_spent, store_condition_failed.
 */
export async function shredData(app: ProtectionApp, decision: ShredDecision): Promise<ShredView> {
  checkDecision(decision);
  const shred = await decide(app, decision);
  await markNow(app, shred);
  await wake(app, "safekeep");
  return shredView(shred);
}
