/** Room: core/rotation. Takes a rollover back: until the predecessor drains, it signs again as if nothing had been. */
import { executeApproved } from "../access/approval.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp, RevocationApp } from "../ports.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { wake } from "../revocation/wake.ts";
import { assertApproved } from "./approved.ts";
import { childrenOf } from "./gates.ts";
import { rolloverView } from "./rollover.ts";
import { findRollover, isOpen } from "./rollover-store.ts";
import { takingBack } from "./transitions.ts";
import type { RolloverRequest, RolloverView } from "./views.ts";

async function assertMayRollBack(app: KeylessApp, rollover: RolloverRecord): Promise<void> {
  const { state, kind, toId, fleet } = rollover;
  if (!isOpen(rollover))
    throw new AppError(
      "rollover_state_invalid",
      `the rollover is ${state}; it can be taken back until its predecessor drains. Plan another one`,
    );
  if (kind === "issuing" || state !== "active") return;
  const below = await childrenOf(app, await getFleet(app, fleet), toId);
  if (below === 0) return;
  throw new AppError(
    "rollover_state_invalid",
    `${below} stand below root "${toId}", limit 0; take the rollover back that made them, or plan another root`,
  );
}

/**
 * @throws AppError not_found, approval_mismatch, approval_spent, rollover_state_invalid (drains already, or taken back;
 * something stands below the new root), store_condition_failed (something changed meanwhile; the approval is still good).
 */
export async function rollbackRollover(app: RevocationApp, request: RolloverRequest): Promise<RolloverView> {
  const { caller, approval, rolloverId } = request;
  assertApproved(approval, "authorityRotation");
  const stored = await findRollover(app, { fleet: caller.fleet, rolloverId });
  await assertMayRollBack(app, stored.value);
  const { record, writes } = await takingBack(app, stored, caller.actor);
  await executeApproved(app, approval, writes);
  await wake(app, "publish");
  await wake(app, "rotate");
  return rolloverView(app, record);
}
