/** Room: core/access. How people become operators: an owner invites them, with a second person's approval. */
import { type AuditAct, auditEntry } from "../audit/entry.ts";
import { AppError } from "../errors.ts";
import { checkOperatorId } from "../policy/identifiers.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { oidcSubjectHash, oidcSubjectItem } from "../records/oidc-subject-record.ts";
import { type OperatorRecord, operatorItem } from "../records/operator-record.ts";
import { type Role, roleIds } from "../standard/access.ts";
import { type ApprovedOperation, executeSteps } from "./approval.ts";
import type { OperatorCaller } from "./caller.ts";
import { siteOf } from "./challenge.ts";
import { drawInvitation, type Invitation } from "./invitation.ts";
import { findOperator } from "./operator.ts";
import type { Step } from "./steps.ts";

export interface InvitedOperator {
  readonly operatorId: string;
  readonly roles: readonly Role[];
  /** Who it is at an identity provider; `subjectSha256` in lowercase hexadecimal. */
  readonly oidcSubject?: { readonly issuer: string; readonly subjectSha256: string };
}

/** Each role once, in the standard's order. */
export function rolesInOrder(roles: readonly Role[]): readonly Role[] {
  return roleIds.filter((role) => roles.includes(role));
}

function subjectHash({ oidcSubject }: InvitedOperator): string | undefined {
  return oidcSubject && oidcSubjectHash(oidcSubject.issuer, oidcSubject.subjectSha256);
}

/** @throws AppError already_exists, operator_not_active: what is there differs from what is asked for. */
function assertSame(existing: OperatorRecord, invited: InvitedOperator): void {
  if (existing.operatorId !== invited.operatorId)
    throw new AppError(
      "already_exists",
      `operator "${existing.operatorId}" has this id in other letters; use its spelling`,
    );
  if (rolesInOrder(existing.roles).join() !== rolesInOrder(invited.roles).join())
    throw new AppError(
      "already_exists",
      `the operator is ${existing.roles.join(", ")}; invite it as that, or change its roles`,
    );
  const hash = subjectHash(invited);
  if (hash !== undefined && existing.oidcSubject !== undefined && existing.oidcSubject !== hash)
    throw new AppError("already_exists", "the operator has another subject at an identity provider");
  if (existing.state !== "suspended") return;
  throw new AppError("operator_not_active", "the operator is suspended; reinstate it before it is invited");
}

function invitedRecord(app: KeylessApp, fleet: string, invited: InvitedOperator): OperatorRecord {
  return {
    fleet,
    operatorId: invited.operatorId,
    roles: rolesInOrder(invited.roles),
    state: "invited",
    origin: "invitation",
    passkeys: [],
    createdAt: app.clock.now(),
  };
}

const subjectTaken = () =>
  new AppError("already_exists", "another operator has this subject at the identity provider");

/** The writes that make the operator, or add to the one that there is. */
function operatorSteps(
  app: KeylessApp,
  fleet: string,
  invited: InvitedOperator,
  existing: Stored<OperatorRecord> | undefined,
): readonly Step[] {
  const hash = subjectHash(invited);
  const subject = hash === undefined ? {} : { oidcSubject: hash };
  const record = { ...(existing?.value ?? invitedRecord(app, fleet, invited)), ...subject };
  const own: Step = { write: { put: operatorItem(record), when: existing?.version ?? "absent" } };
  if (hash === undefined || hash === existing?.value.oidcSubject) return [own];
  const put = oidcSubjectItem(fleet, hash, record.operatorId);
  return [own, { write: { put, when: "absent" }, lost: subjectTaken }];
}

const invitationAct = (caller: OperatorCaller, operatorId: string): AuditAct => ({
  fleet: caller.fleet,
  action: "operator.invited",
  actor: caller.actor,
  subject: operatorId,
  result: "success",
});

/**
 * A new operator is invited; for one that exists the invitation adds a passkey, or its subject at an identity provider.
 * @throws AppError name_not_permitted, already_exists (with other roles, in other letters, or the subject is another's),
 * operator_not_active (suspended), approval_spent, store_condition_failed (changed meanwhile; the approval is good).
 */
export async function inviteOperator(
  app: KeylessApp,
  caller: OperatorCaller,
  approval: ApprovedOperation,
  invited: InvitedOperator,
): Promise<Invitation> {
  const decision = checkOperatorId(invited.operatorId);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  const { fleet, actor, fleetState } = caller;
  const { operatorId } = invited;
  const existing = await findOperator(app, fleet, operatorId);
  if (existing !== undefined) assertSame(existing.value, invited);
  const drawn = drawInvitation(app, fleetState, { operatorId, kind: "approved", createdBy: actor });
  await executeSteps(app, approval, [
    ...operatorSteps(app, fleet, invited, existing),
    { write: drawn.write },
    { write: auditEntry(app, invitationAct(caller, operatorId)) },
  ]);
  return drawn.answer;
}

function assertFirst({ operator, proof, fleetState }: OperatorCaller): void {
  const { origin, passkeys } = operator.value;
  if (origin !== "bootstrap" || passkeys.length > 0 || proof.by !== "certificate")
    throw new AppError(
      "access_denied",
      "this is for the certificate of the operator that came with the fleet, while it has no passkey; others are invited",
    );
  if (siteOf(fleetState) !== undefined) return;
  throw new AppError("access_denied", "the fleet has no origin for passkeys; its deployment names one");
}

/**
 * The one invitation without an approval: whoever came with the fleet could not have one before its first passkey.
 * @throws AppError access_denied.
 */
export async function inviteFirstPasskey(app: KeylessApp, caller: OperatorCaller): Promise<Invitation> {
  assertFirst(caller);
  const { actor, fleetState, subjectId: operatorId } = caller;
  const drawn = drawInvitation(app, fleetState, { operatorId, kind: "first", createdBy: actor });
  await app.items.transact([drawn.write, auditEntry(app, invitationAct(caller, operatorId))]);
  return drawn.answer;
}
