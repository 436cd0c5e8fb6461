/** Room: core/access. From a credential that holds to the operator behind it, as the store has it now. */
import type { Fleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  isCurrent,
  type OperatorRecord,
  operatorItem,
  operatorKey,
  operatorRecord,
} from "../records/operator-record.ts";
import type { OperatorCaller } from "./caller.ts";
import type { ClientIdentity } from "./client-certificate.ts";

/** The operator of that id, undefined when there is none. One read. @throws AppError name_not_permitted. */
export async function findOperator(
  app: KeylessApp,
  fleet: string,
  operatorId: string,
): Promise<Stored<OperatorRecord> | undefined> {
  const item = await app.items.get(operatorKey(fleet, operatorId));
  return item === undefined ? undefined : operatorRecord(item);
}

/** @throws AppError operator_not_active: unknown, invited or suspended, which the caller cannot tell apart. */
export async function activeOperator(
  app: KeylessApp,
  fleet: string,
  operatorId: string,
): Promise<Stored<OperatorRecord>> {
  const operator = await findOperator(app, fleet, operatorId);
  if (operator?.value.state === "active") return operator;
  throw new AppError(
    "operator_not_active",
    "the operator is not active in this fleet; ask one of its owners",
  );
}

export function operatorCaller(
  operator: Stored<OperatorRecord>,
  fleetState: Fleet,
  proof: OperatorCaller["proof"],
): OperatorCaller {
  const { fleet, operatorId, roles } = operator.value;
  const actor = `operator:${operatorId}`;
  return { kind: "operator", fleet, subjectId: operatorId, actor, roles, proof, operator, fleetState };
}

/** @throws AppError operator_not_active. */
export async function operatorByCertificate(
  app: KeylessApp,
  identity: ClientIdentity,
): Promise<OperatorCaller> {
  const { fleet, subjectId, serialNumber, fleetState, record } = identity;
  const operator = await activeOperator(app, fleet, subjectId);
  if (!isCurrent(operator.value, record.value))
    throw new AppError(
      "operator_not_active",
      "the certificate is from before the operator was suspended; have a new key certified",
    );
  return operatorCaller(operator, fleetState, { by: "certificate", serialNumber });
}

/**
 * The operator whom the deployment itself vouches for, made when there is none of that id: an owner, whose
 * certificate is all it has until it registers a passkey.
 * @throws AppError operator_not_active: suspended, which no deployment undoes.
 */
export async function ensureBootstrapOperator(
  app: KeylessApp,
  fleet: string,
  operatorId: string,
): Promise<void> {
  const existing = await findOperator(app, fleet, operatorId);
  if (existing === undefined) {
    const record: OperatorRecord = {
      fleet,
      operatorId,
      roles: ["owner"],
      state: "active",
      origin: "bootstrap",
      passkeys: [],
      createdAt: app.clock.now(),
    };
    try {
      await app.items.transact([{ put: operatorItem(record), when: "absent" }]);
    } catch (error) {
      // Another start has just made the same.
      if (!isAppError(error, "store_condition_failed")) throw error;
    }
    return;
  }
  if (existing.value.state !== "suspended") return;
  throw new AppError("operator_not_active", "this operator is suspended; name another for the deployment");
}
