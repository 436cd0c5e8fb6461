/**
 * Room: test/protection. A fleet whose backends protect data, on the local adapters: the real stores, the real wrapping
 * keys, the AWS Encryption SDK; and operators who may have to read some of it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { encryptionSdkCipher } from "../../adapters/encryption/encryption-sdk-cipher.ts";
import { kmsFleetKeyrings } from "../../adapters/encryption/kms-fleet-keyring.ts";
import type { SoftwareWrappingKeys } from "../../adapters/local/software-wrapping-keys.ts";
import { openSqliteItemStore } from "../../adapters/local/sqlite-item-store.ts";
import { type ApprovedOperation, redeemApproval } from "../../core/access/approval.ts";
import { createApproval } from "../../core/access/approval-request.ts";
import type { OperatorCaller } from "../../core/access/caller.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { operatorCaller } from "../../core/access/operator.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { isAppError } from "../../core/errors.ts";
import type { ContextRequest } from "../../core/policy/encryption-context.ts";
import type { DataCaller } from "../../core/protection/data-caller.ts";
import { encryptData } from "../../core/protection/encrypt.ts";
import { approvalItem, approvalKey, approvalRecord } from "../../core/records/approval-record.ts";
import { operatorKey, operatorRecord } from "../../core/records/operator-record.ts";
import type { CriticalOperationId } from "../../core/standard/access.ts";
import { openLocalProtection } from "../support/local-protection.ts";
import { fleet, type KeepingApp, type KeepingWorld, openWorld, type WorldOptions } from "./keeping-world.ts";

export { fleet } from "./keeping-world.ts";

export const otherFleet = "other";
/** Its data keys are under the fleet's own key. */
export const exportPurpose = "exports";
export const observations: ContextRequest = { purpose: "observations", subject: "s-1" };
export const exported: ContextRequest = { purpose: exportPurpose, subject: "s-1" };

export interface DataWorld extends KeepingWorld {
  readonly wrappingKeys: SoftwareWrappingKeys;
  close(): Promise<void>;
}

const usual = { fleets: [fleet, otherFleet], fleetWrappedPurposes: [exportPurpose] } as const;

/** `close` removes what is on disk. */
export async function openDataWorld(options: WorldOptions = {}): Promise<DataWorld> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  const items = await openSqliteItemStore({ path: ":memory:" });
  let now = () => 0;
  const masterKey = { keyFile: join(directory, "master.key") };
  const clock = { now: () => now() };
  const protection = await openLocalProtection({ directory: join(directory, "keys"), masterKey, clock });
  const { subjectKeys, wrappingKeys, cipher } = protection.ports;
  const world = await openWorld({ ...usual, items, subjectKeys, wrappingKeys, cipher, ...options });
  now = world.clock.now;
  return {
    ...world,
    wrappingKeys,
    async close() {
      await Promise.all([items.close(), protection.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The same over a key service in memory that fails on demand; `cipher` reaches fleets' keys through it too. */
export async function openFaultyWorld(): Promise<KeepingWorld> {
  const world = await openWorld(usual);
  const cipher = encryptionSdkCipher({ fleetKeyring: kmsFleetKeyrings(world.keys) });
  return { ...world, app: { ...world.app, cipher } };
}

export interface CallerOptions {
  readonly name?: string;
  readonly purposes?: readonly string[];
}

export async function dataCaller(
  app: KeepingApp,
  { name = fleet, purposes = ["*"] }: CallerOptions = {},
): Promise<DataCaller> {
  return { fleet: name, actor: "backend:b-1", purposes, fleetState: await getFleet(app, name) };
}

/** A message of that context. */
export async function encrypted(
  app: KeepingApp,
  context: ContextRequest,
  plaintext: Uint8Array | string = "120 over 80",
  name = fleet,
): Promise<Buffer> {
  const caller = await dataCaller(app, { name });
  const { message } = await encryptData(app, { caller, context, plaintext: Buffer.from(plaintext) });
  return message;
}

export async function operatorOf(
  app: KeepingApp,
  operatorId = "owner-1",
  name = fleet,
): Promise<OperatorCaller> {
  const item = await app.items.get(operatorKey(name, operatorId));
  if (item === undefined) expect.fail("no operator");
  return operatorCaller(operatorRecord(item), await getFleet(app, name), { by: "session", sessionId: "x" });
}

/** An approval of `caller` alone, as the door redeems it; the passkey is not what is tested. */
export async function approvalOf(
  app: KeepingApp,
  caller: OperatorCaller,
  decryptionId: string,
  critical: CriticalOperationId = "operatorDecryption",
): Promise<ApprovedOperation> {
  const operation = { operation: "readAsOperator", parameters: { decryptionId }, body: {} } as const;
  const { approvalId } = await createApproval(app, caller, { ...operation, critical, roles: ["owner"] });
  const item = await app.items.get(approvalKey(caller.fleet, approvalId));
  if (item === undefined) expect.fail("no approval");
  const { value, version } = approvalRecord(item);
  const now = app.clock.now();
  const proof = { by: "oidc", issuer: "https://idp.example.test", tokenSha256: "00" } as const;
  const assertions = ["owner-1", "owner-2"].map((operatorId) => ({
    operatorId,
    since: now,
    takenAt: now,
    proof,
  }));
  await app.items.transact([{ put: approvalItem({ ...value, assertions }), when: version }]);
  const digest = operationDigest({ fleet: caller.fleet, ...operation });
  return await redeemApproval(app, { caller, critical, approvalId, operationDigest: digest });
}

/** What an attempt came to: `data_unreadable` in its one text is "unreadable", another failure its code. */
export async function outcomeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "an answer";
  } catch (failure) {
    if (!isAppError(failure)) return String(failure);
    if (failure.code !== "data_unreadable") return failure.code;
    const expected = "the data cannot be read: not of this fleet and context, or changed";
    const members = Object.keys(failure).filter((name) => name !== "code");
    const isUniform = failure.message === expected && failure.cause === undefined;
    const said = members.filter((name) => Reflect.get(failure, name) !== undefined && name !== "name");
    return isUniform && said.length === 0
      ? "unreadable"
      : `unreadable with ${said.join()}: ${failure.message}`;
  }
}
