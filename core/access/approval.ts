/**
 * Room: core/access. What lets a critical operation run: an approval for that very operation, with assertions of the
 * people it needs, none older than five minutes. It is spent in the transaction of the operation itself.
 */
import { auditEntry } from "../audit/entry.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import {
  type ApprovalRecord,
  approvalItem,
  approvalKey,
  approvalRecord,
} from "../records/approval-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { CriticalOperationId } from "../standard/access.ts";
import { type Approvers, findApprovers, isFresh, requirement, suffices } from "./approvers.ts";
import type { OperatorCaller } from "./caller.ts";
import { lossOf, type Step } from "./steps.ts";

export interface Redemption {
  readonly caller: OperatorCaller;
  readonly critical: CriticalOperationId;
  /** As the caller gave it, whatever that is. */
  readonly approvalId: string | undefined;
  /** Of the operation as it is about to run. */
  readonly operationDigest: string;
}

const idForm = /^[0-9a-f]{32}$/;

/** The approval of that id in the fleet; undefined for none, and for what can be no id. One read. */
export async function findApproval(
  app: KeylessApp,
  fleet: string,
  approvalId: string,
): Promise<Stored<ApprovalRecord> | undefined> {
  if (!idForm.test(approvalId)) return undefined;
  const item = await app.items.get(approvalKey(fleet, approvalId));
  return item === undefined ? undefined : approvalRecord(item);
}

const spent = () =>
  new AppError("approval_spent", "the operation of this approval was executed; ask for another approval");

/** @throws AppError approval_spent, approval_stale. */
export function assertOpen(app: KeylessApp, { executedAt, expiresAt }: ApprovalRecord): void {
  if (executedAt !== undefined) throw spent();
  if (app.clock.now() < expiresAt) return;
  throw new AppError("approval_stale", "the approval expired before it was executed; ask for another one");
}

function assertFor(record: ApprovalRecord, { caller, critical, operationDigest }: Redemption): void {
  if (record.requestedBy !== caller.subjectId)
    throw new AppError(
      "approval_mismatch",
      "another operator asked for this approval, and only who asked may execute",
    );
  if (record.critical === critical && record.operationDigest === operationDigest) return;
  throw new AppError(
    "approval_mismatch",
    "the approval is for another operation; send exactly what was approved",
  );
}

function assertEnough(app: KeylessApp, record: ApprovalRecord, approvers: Approvers): void {
  const now = app.clock.now();
  const fresh = record.assertions.filter((assertion) => isFresh(assertion, now));
  if (suffices(record, fresh, approvers)) return;
  if (suffices(record, record.assertions, approvers))
    throw new AppError("approval_stale", "an assertion is older than 300 s, the limit; assert again");
  throw new AppError(
    "approval_incomplete",
    `the operation needs assertions of ${requirement(record, approvers).persons} in office, the one who asked among them`,
  );
}

/** Only `redeemApproval` makes one. Whoever takes it executes with `executeApproved`. */
export class ApprovedOperation {
  readonly approvalId: string;
  readonly critical: CriticalOperationId;
  readonly operationDigest: string;
  /** Marks the approval executed; fails when it was executed meanwhile. */
  readonly consume: WriteOperation;
  /** The audit entry of the execution, which goes with `consume`. */
  readonly entry: WriteOperation;

  private constructor(record: ApprovalRecord, consume: WriteOperation, entry: WriteOperation) {
    this.approvalId = record.approvalId;
    this.critical = record.critical;
    this.operationDigest = record.operationDigest;
    this.consume = consume;
    this.entry = entry;
  }

  /** See `redeemApproval`. */
  static async redeem(app: KeylessApp, request: Redemption): Promise<ApprovedOperation> {
    const { caller, approvalId } = request;
    const { fleet } = caller;
    if (approvalId === undefined || approvalId === "")
      throw new AppError(
        "approval_required",
        "this operation needs an approval; ask for one, then name it in the header Fleetkey-Approval",
      );
    const found = await findApproval(app, fleet, approvalId);
    if (found === undefined)
      throw new AppError("approval_required", "no approval of this fleet has that id; ask for one");
    assertFor(found.value, request);
    assertOpen(app, found.value);
    const approvers = await findApprovers(app, fleet);
    assertEnough(app, found.value, approvers);
    const exception = requirement(found.value, approvers).soleOperator ? { exception: "sole-operator" } : {};
    const record: ApprovalRecord = { ...found.value, executedAt: app.clock.now(), ...exception };
    const entry = auditEntry(app, {
      fleet,
      action: "approval.executed",
      actor: caller.actor,
      subject: approvalId,
      result: "success",
      ...(exception.exception === undefined ? {} : { reason: exception.exception }),
    });
    return new ApprovedOperation(record, { put: approvalItem(record), when: found.version }, entry);
  }
}

/**
 * The approval named by the caller, for the very operation that is about to run: asked for by the caller, not yet
 * executed, and approved by enough people who are still in office, none of their assertions older than 300 s. Of
 * two people one does while the fleet has nobody else who could approve; the audit entry then says `sole-operator`.
 * @throws AppError approval_required (none, or unknown here), approval_mismatch, approval_spent, approval_stale,
 * approval_incomplete.
 */
export function redeemApproval(app: KeylessApp, request: Redemption): Promise<ApprovedOperation> {
  return ApprovedOperation.redeem(app, request);
}

/** How many operations `executeApproved` puts before the caller's own. */
const ownOperations = 2;

/**
 * The one way to execute what was approved: `operations`, with the mark that the approval is executed and its audit
 * entry, all or none.
 * @throws AppError approval_spent: executed meanwhile; store_condition_failed, whose `failedOperations` are indexes
 * among `operations`: nothing was written, and the approval is still good.
 */
export async function executeApproved(
  app: KeylessApp,
  approval: ApprovedOperation,
  operations: readonly WriteOperation[],
): Promise<void> {
  try {
    await app.items.transact([approval.consume, approval.entry, ...operations]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    const failed = error.failedOperations ?? [];
    if (failed.includes(0)) throw spent();
    throw new AppError(error.code, error.message, {
      cause: error,
      failedOperations: failed.map((index) => index - ownOperations).filter((index) => index >= 0),
    });
  }
}

/** As `executeApproved`, with each step's own word for a lost race. */
export async function executeSteps(
  app: KeylessApp,
  approval: ApprovedOperation,
  steps: readonly Step[],
): Promise<void> {
  const operations = steps.map(({ write }) => write);
  try {
    await executeApproved(app, approval, operations);
  } catch (error) {
    throw isAppError(error, "store_condition_failed") ? lossOf(steps, error) : error;
  }
}
