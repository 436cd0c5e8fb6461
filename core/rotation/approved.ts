/** Room: core/rotation. Rotation's own look at what two people have approved; the door has compared its whole text. */
import type { ApprovedOperation } from "../access/approval.ts";
import { AppError } from "../errors.ts";
import type { CriticalOperationId } from "../standard/access.ts";

/** @throws AppError approval_mismatch. */
export function assertApproved(approval: ApprovedOperation, critical: CriticalOperationId): void {
  if (approval.critical === critical) return;
  throw new AppError("approval_mismatch", "the approval is for another operation; ask for one for this");
}
