/**
 * Room: scripts. The people of the fleet: two owners, who do what the tasks ask for some days later. Their passkeys are no
 * part of this: their assertions are written down as taken, everything after that is the product's own.
 */
import { type ApprovedOperation, redeemApproval } from "../../core/access/approval.ts";
import { createApproval } from "../../core/access/approval-request.ts";
import type { OperatorCaller } from "../../core/access/caller.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { operatorCaller } from "../../core/access/operator.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { approvalItem, approvalKey, approvalRecord } from "../../core/records/approval-record.ts";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import {
  type OperatorRecord,
  operatorItem,
  operatorKey,
  operatorRecord,
} from "../../core/records/operator-record.ts";
import { advanceRollover } from "../../core/rotation/advance.ts";
import { openCeremony } from "../../core/rotation/ceremony.ts";
import type { RotationTaskView } from "../../core/rotation/key-views.ts";
import { listRotationTasks } from "../../core/rotation/people.ts";
import { planRollover } from "../../core/rotation/rollover-plan.ts";
import { allRollovers } from "../../core/rotation/rollover-store.ts";
import type { CriticalOperationId } from "../../core/standard/access.ts";
import { day, fleet, type House, hour } from "./house.ts";

const owners = ["owner-1", "owner-2"] as const;

/** Two owners, and a fleet as it comes, but for its notices of ends: nobody reads those of ten thousand devices. */
export async function moveIn({ app }: House, crlWindowDays: number): Promise<void> {
  const configuration = { ...defaultConfiguration, expiryNoticeDays: [], crlWindowDays };
  await app.items.transact([{ put: configurationItem(fleet, configuration), when: "absent" }]);
  for (const operatorId of owners) {
    const record: OperatorRecord = {
      ...{ fleet, operatorId, roles: ["owner"], state: "active", origin: "invitation" },
      ...{ passkeys: [`passkey-of-${operatorId}`], createdAt: app.clock.now() },
    };
    await app.items.transact([{ put: operatorItem(record), when: "absent" }]);
  }
}

interface Approved {
  readonly caller: OperatorCaller;
  readonly approval: ApprovedOperation;
}

async function approved({ app }: House, critical: CriticalOperationId, what: string): Promise<Approved> {
  const operator = await app.items.get(operatorKey(fleet, owners[0]));
  if (operator === undefined) throw new Error("the first owner is not there");
  const session = { by: "session", sessionId: "simulated" } as const;
  const caller = operatorCaller(operatorRecord(operator), await getFleet(app, fleet), session);
  const operation = { operation: critical, parameters: { what }, body: {} };
  const { approvalId } = await createApproval(app, caller, { ...operation, critical, roles: ["owner"] });
  const item = await app.items.get(approvalKey(fleet, approvalId));
  if (item === undefined) throw new Error("the approval is not there");
  const { value, version } = approvalRecord(item);
  const now = app.clock.now();
  const proof = { by: "oidc", issuer: "https://idp.example.test", tokenSha256: "00" } as const;
  const assertions = owners.map((operatorId) => ({ operatorId, since: now, takenAt: now, proof }));
  await app.items.transact([{ put: approvalItem({ ...value, assertions }), when: version }]);
  const digest = operationDigest({ fleet, ...operation });
  return {
    caller,
    approval: await redeemApproval(app, { caller, critical, approvalId, operationDigest: digest }),
  };
}

const isRolloverId = (subject: string): boolean => /^[0-9a-f]{32}$/.test(subject);

async function ceremony(house: House, subject: string): Promise<void> {
  const people = await approved(house, "authorityUse", subject);
  if (isRolloverId(subject)) {
    await openCeremony(house.app, { ...people, purpose: "rollover", rolloverId: subject });
    return;
  }
  const purpose = subject.startsWith("trust-") ? "trustSigner" : "rootList";
  await openCeremony(house.app, { ...people, purpose });
}

async function destroy(house: House, authorityId: string): Promise<void> {
  const known = await allRollovers(house.app, fleet);
  const found = known.find(({ value }) => value.fromId === authorityId && value.state === "retired");
  if (found === undefined) return;
  const people = await approved(house, "keyDestruction", authorityId);
  await advanceRollover(house.app, { ...people, rolloverId: found.value.rolloverId, to: "destroyed" });
}

/** Days after which people come to it: two to six for a ceremony, a month for a key that nobody misses. */
function patience({ action, subject, severity }: RotationTaskView): number {
  if (action === "destroyKey") return 30 * day;
  if (severity === "critical") return 2 * hour;
  // The same for the same task, whenever it is looked at.
  return (2 + (Buffer.from(subject).reduce((sum, octet) => sum + octet, 0) % 5)) * day;
}

export interface PeoplesWork {
  readonly ceremonies: number;
  readonly destructions: number;
  /** Tasks that are no matter of ceremonies: there should be none. */
  readonly others: readonly RotationTaskView[];
}

/** One look at the list of tasks. Whoever has waited long enough is served. */
export async function work(house: House): Promise<PeoplesWork> {
  const { tasks } = await listRotationTasks(house.app, { fleet });
  const now = house.clock.now();
  let ceremonies = 0;
  let destructions = 0;
  for (const task of tasks.filter((each) => Date.parse(each.openedAt) + patience(each) <= now)) {
    if (task.action === "openCeremony") {
      await ceremony(house, task.subject);
      ceremonies += 1;
    } else if (task.action === "destroyKey") {
      await destroy(house, task.subject);
      destructions += 1;
    }
  }
  const others = tasks.filter(({ action }) => action !== "openCeremony" && action !== "destroyKey");
  return { ceremonies, destructions, others };
}

/** The issuing authority's key is lost: its replacement is decided on, and its ceremony opened at once. */
export async function replaceAtOnce(house: House): Promise<string> {
  const people = await approved(house, "authorityRotation", "emergency");
  const { rolloverId } = await planRollover(house.app, { ...people, kind: "issuing", emergency: true });
  await ceremony(house, rolloverId);
  return rolloverId;
}

/** Ends the trust in what the lost key signed, once the devices that are there have other certificates. */
export async function retireLost(house: House, rolloverId: string): Promise<void> {
  const people = await approved(house, "authorityRotation", rolloverId);
  await advanceRollover(house.app, { ...people, rolloverId, to: "retired" });
}
