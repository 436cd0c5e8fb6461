/**
 * Room: core/access. The fleet's operators: listed, changed, suspended by its owners. A fleet always keeps an active
 * owner, whatever its owners do at the same moment.
 */
import { auditEntry } from "../audit/entry.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type OperatorRecord, operatorItem, operatorKey } from "../records/operator-record.ts";
import type { Role } from "../standard/access.ts";
import { type ApprovedOperation, executeApproved } from "./approval.ts";
import { findOperators } from "./approvers.ts";
import type { OperatorCaller } from "./caller.ts";
import { rolesInOrder } from "./operator-invitation.ts";

/** What others learn of an operator. */
export interface OperatorSummary {
  readonly operatorId: string;
  readonly roles: readonly Role[];
  readonly state: OperatorRecord["state"];
  /** How many. */
  readonly passkeys: number;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

function summary({ operatorId, roles, state, passkeys, createdAt }: OperatorRecord): OperatorSummary {
  return { operatorId, roles, state, passkeys: passkeys.length, createdAt: isoSeconds(createdAt) };
}

/** All of them, by id. */
export async function listOperators(app: KeylessApp, fleet: string): Promise<readonly OperatorSummary[]> {
  const operators = await findOperators(app, fleet);
  return operators.map(({ value }) => summary(value));
}

export interface OperatorChange {
  readonly operatorId: string;
  readonly roles?: readonly Role[];
  readonly state?: "active" | "suspended";
}

/** Whoever is reinstated without a way to sign in is invited still. */
function reinstated({ state, passkeys, oidcSubject, origin }: OperatorRecord): OperatorRecord["state"] {
  if (state !== "suspended") return state;
  const signsIn = passkeys.length > 0 || oidcSubject !== undefined || origin === "bootstrap";
  return signsIn ? "active" : "invited";
}

/**
 * Whatever the operator proved itself with is over: a passkey that was stolen comes back with nobody's reinstatement.
 * Another owner invites it again.
 */
function suspended(record: OperatorRecord, now: number): OperatorRecord {
  return { ...record, state: "suspended", passkeys: [], credentialsSince: now };
}

function changed(record: OperatorRecord, { roles, state }: OperatorChange, now: number): OperatorRecord {
  const next = roles === undefined ? record : { ...record, roles: rolesInOrder(roles) };
  if (state === undefined) return next;
  return state === "suspended" ? suspended(next, now) : { ...next, state: reinstated(next) };
}

const isOwner = ({ state, roles }: OperatorRecord): boolean => state === "active" && roles.includes("owner");

const sameOperator = (left: Stored<OperatorRecord>, right: Stored<OperatorRecord>): boolean =>
  left.value.operatorId === right.value.operatorId;

/** The caller as it is now: another owner may have changed it since the door. @throws AppError role_not_permitted. */
function callerNow(
  operators: readonly Stored<OperatorRecord>[],
  { subjectId }: OperatorCaller,
): Stored<OperatorRecord> {
  const caller = operators.find(({ value }) => value.operatorId === subjectId);
  if (caller !== undefined && isOwner(caller.value)) return caller;
  throw new AppError("role_not_permitted", "this is for active owners, and the caller is none any more");
}

/** @throws AppError access_denied: nobody would be left to undo it. */
function ownerThatStays(
  operators: readonly Stored<OperatorRecord>[],
  target: Stored<OperatorRecord>,
): Stored<OperatorRecord> {
  const other = operators.find((each) => isOwner(each.value) && !sameOperator(each, target));
  if (other !== undefined) return other;
  throw new AppError(
    "access_denied",
    "a fleet keeps at least one active owner; make another operator an owner before",
  );
}

const unchanged = ({ value, version }: Stored<OperatorRecord>): WriteOperation => ({
  check: operatorKey(value.fleet, value.operatorId),
  when: version,
});

/**
 * Conditions under which the change is right: the caller is still an owner, and an owner stays. Two owners who demote
 * each other at once meet in these: the first one's change fails the other's.
 */
function conditions(
  operators: readonly Stored<OperatorRecord>[],
  caller: OperatorCaller,
  target: Stored<OperatorRecord>,
  next: OperatorRecord,
): readonly WriteOperation[] {
  const now = callerNow(operators, caller);
  const loses = isOwner(target.value) && !isOwner(next);
  const stays = loses && sameOperator(now, target) ? ownerThatStays(operators, target) : now;
  return sameOperator(stays, target) ? [] : [unchanged(stays)];
}

/** One change as the operators stand now; undefined when one of them was changed meanwhile. */
async function tryChange(
  app: KeylessApp,
  caller: OperatorCaller,
  approval: ApprovedOperation,
  change: OperatorChange,
): Promise<OperatorRecord | undefined> {
  const { fleet, actor } = caller;
  const operators = await findOperators(app, fleet);
  const { sk } = operatorKey(fleet, change.operatorId);
  const target = operators.find(({ value }) => operatorKey(fleet, value.operatorId).sk === sk);
  if (target === undefined) throw new AppError("not_found", "no operator of this fleet has that id");
  const next = changed(target.value, change, app.clock.now());
  const { operatorId, state, roles } = next;
  const reason = `${state}:${roles.join("+")}`;
  const entry = auditEntry(app, {
    fleet,
    action: "operator.changed",
    actor,
    subject: operatorId,
    result: "success",
    reason,
  });
  const put: WriteOperation = { put: operatorItem(next), when: target.version };
  try {
    await executeApproved(app, approval, [put, ...conditions(operators, caller, target, next), entry]);
    return next;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return undefined;
    throw error;
  }
}

/** Each lost race is another's change; people do not make more of them in a moment. */
const attempts = 10;

/**
 * Counts with the operator's next request: its sessions and certificates are looked up each time.
 * @throws AppError request_invalid (nothing to change), not_found, role_not_permitted (the caller is no owner any more),
 * access_denied (the last active owner), approval_spent, store_condition_failed.
 */
export async function changeOperator(
  app: KeylessApp,
  caller: OperatorCaller,
  approval: ApprovedOperation,
  change: OperatorChange,
): Promise<OperatorSummary> {
  if (change.roles === undefined && change.state === undefined)
    throw new AppError("request_invalid", "nothing is to be changed; send roles, state or both");
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const next = await tryChange(app, caller, approval, change);
    if (next !== undefined) return summary(next);
  }
  throw new AppError("store_condition_failed", "the operators were changed at the same moment; repeat this", {
    retryAfter: 1,
  });
}
