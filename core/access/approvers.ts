/** Room: core/access. Who may approve, and how many people an approval needs. */
import type { KeylessApp } from "../ports.ts";
import type { ApprovalAssertion, ApprovalRecord } from "../records/approval-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type OperatorRecord, operatorPartition, operatorRecord } from "../records/operator-record.ts";
import { readItems } from "../records/pages.ts";
import { accessPeriods, criticalOperations, type Role } from "../standard/access.ts";

/** People of one security team; a store's page ends there anyhow. */
const maximumOperators = 1_000;

/** All operators of the fleet, whatever their state. One query. */
export async function findOperators(
  app: KeylessApp,
  fleet: string,
): Promise<readonly Stored<OperatorRecord>[]> {
  const items = await readItems(app, { pk: operatorPartition(fleet), limit: maximumOperators });
  return items.map(operatorRecord);
}

const approvingRoles: readonly Role[] = ["owner", "securityOfficer"];

/** In office, of a role that approves, and with more than the one factor that a certificate is. */
function mayApprove({ value }: Stored<OperatorRecord>): boolean {
  const hasFactors = value.passkeys.length > 0 || value.oidcSubject !== undefined;
  return value.state === "active" && hasFactors && value.roles.some((role) => approvingRoles.includes(role));
}

/** Ids of the operators who may approve now. */
export type Approvers = ReadonlySet<string>;

export async function findApprovers(app: KeylessApp, fleet: string): Promise<Approvers> {
  const operators = await findOperators(app, fleet);
  return new Set(operators.filter(mayApprove).map(({ value }) => value.operatorId));
}

export interface Requirement {
  readonly persons: 1 | 2;
  /** The fleet has nobody who could be the second: one does, and the record says so. */
  readonly soleOperator: boolean;
}

export function requirement(
  { critical }: Pick<ApprovalRecord, "critical">,
  approvers: Approvers,
): Requirement {
  const { persons } = criticalOperations[critical];
  const soleOperator = persons === 2 && approvers.size < 2;
  return { persons: soleOperator ? 1 : persons, soleOperator };
}

/** 45 CFR 164.312(d): five minutes, counted from the earliest moment at which it can have been made. */
export function isFresh({ since }: Pick<ApprovalAssertion, "since">, now: number): boolean {
  return now - since <= accessPeriods.assertion.seconds * 1000;
}

/** Enough people, and the one who asked among them. */
export function suffices(
  record: ApprovalRecord,
  assertions: readonly ApprovalAssertion[],
  approvers: Approvers,
): boolean {
  const persons = new Set(
    assertions.map(({ operatorId }) => operatorId).filter((operatorId) => approvers.has(operatorId)),
  );
  return persons.has(record.requestedBy) && persons.size >= requirement(record, approvers).persons;
}
