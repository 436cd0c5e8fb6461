/** Room: core/fleets. Suspends a fleet, or ends that: two people, since every device of it stands still meanwhile. */
import { type ApprovedOperation, executeApproved } from "../access/approval.ts";
import type { OperatorCaller } from "../access/caller.ts";
import { auditEntry } from "../audit/entry.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import { type FleetRecord, fleetItem } from "../records/fleet-record.ts";
import { type FleetDetails, fleetDetails } from "./details.ts";

export interface StateRequest {
  readonly caller: OperatorCaller;
  readonly approval: ApprovedOperation;
  readonly state: FleetRecord["state"];
}

/** The record changes with a deployment (its origin, its authority) and with its state: seldom, all of them. */
const attempts = 5;

/**
 * Counts with the next request: the door and every issuance read the fleet. Setting the state that it has is no
 * failure, and spends the approval.
 * @throws AppError approval_spent; store_condition_failed: the fleet changed at each attempt, the approval is still good.
 */
export async function setFleetState(app: KeylessApp, request: StateRequest): Promise<FleetDetails> {
  const { caller, approval, state } = request;
  const { fleet, actor } = caller;
  const entry = { fleet, action: "fleet.state-changed", actor, subject: fleet, result: "success" } as const;
  for (let attempt = 1, found = caller.fleetState; attempt <= attempts; attempt += 1) {
    const record: FleetRecord = { ...found.record, state };
    try {
      await executeApproved(app, approval, [
        { put: fleetItem(record), when: found.version },
        auditEntry(app, { ...entry, reason: state }),
      ]);
      return fleetDetails({ ...found, record });
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
      found = await getFleet(app, fleet);
    }
  }
  throw new AppError("store_condition_failed", "the fleet was changed at the same moment; repeat this", {
    retryAfter: 1,
  });
}
