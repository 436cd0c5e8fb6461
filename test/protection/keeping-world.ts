/** Room: test/protection. A fleet with subject keys, the people who decide over them, and the task that keeps them. */
import { expect } from "vitest";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import { systemDataKeyPairs } from "../../adapters/system/data-key-pair.ts";
import { systemEntropy } from "../../adapters/system/entropy.ts";
import { redeemApproval } from "../../core/access/approval.ts";
import { createApproval } from "../../core/access/approval-request.ts";
import type { OperatorCaller } from "../../core/access/caller.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { operatorCaller } from "../../core/access/operator.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { boundedMemo } from "../../core/memo.ts";
import { encodeNotice } from "../../core/notice.ts";
import type {
  ItemStore,
  MessageCipher,
  Notice,
  ProtectionApp,
  SafekeepingApp,
  StartedTask,
  WrappingKeys,
} from "../../core/ports.ts";
import { startReencryption } from "../../core/protection/reencryption.ts";
import type { ShredDecision } from "../../core/protection/shred.ts";
import { approvalItem, approvalKey, approvalRecord } from "../../core/records/approval-record.ts";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { operatorItem, operatorKey, operatorRecord } from "../../core/records/operator-record.ts";
import { readItems } from "../../core/records/pages.ts";
import { shards } from "../../core/records/shard.ts";
import {
  currentContextVersion,
  isSubjectKeyItem,
  type SubjectKeyRecord,
  subjectKeyContext,
  subjectKeyItem,
  subjectKeyPartition,
  subjectKeyParts,
  subjectKeyRecord,
} from "../../core/records/subject-key-record.ts";
import type { CriticalOperationId } from "../../core/standard/access.ts";
import {
  type LogLine,
  recordingLog,
  recordingStarter,
  type TestClock,
  testClock,
} from "../support/fleet-app.ts";
import { memoryItemStore } from "../support/memory-item-store.ts";
import { type WrappingKeysDouble, wrappingKeysDouble } from "./wrapping-keys-double.ts";

export const fleet = "default";
export const actor = "operator:owner-1";

export type KeepingApp = ProtectionApp & SafekeepingApp;

export interface KeepingWorld {
  readonly app: KeepingApp;
  readonly keys: WrappingKeysDouble;
  readonly clock: TestClock;
  readonly notices: Notice[];
  readonly log: readonly LogLine[];
  readonly started: readonly StartedTask[];
}

const noCipher = {} as MessageCipher;

async function putFleet(items: ItemStore, name: string): Promise<void> {
  const record = {
    fleet: name,
    trustDomain: "example.test",
    issuingAuthorityId: "issuing-1",
    createdAt: 0,
    state: "active",
  } as const;
  await items.transact([{ put: fleetItem(record), when: "absent" }]);
  for (const operatorId of ["owner-1", "owner-2"]) {
    const operator = {
      fleet: name,
      operatorId,
      roles: ["owner"],
      state: "active",
      origin: "invitation",
      passkeys: [`passkey-of-${operatorId}`],
      createdAt: 0,
    } as const;
    await items.transact([{ put: operatorItem(operator), when: "absent" }]);
  }
}

export interface WorldOptions {
  readonly fleets?: readonly string[];
  readonly fleetWrappedPurposes?: readonly string[];
  /** @default memory */
  readonly items?: ItemStore;
  readonly subjectKeys?: ItemStore;
  /** @default none: the jobs read no message */
  readonly cipher?: MessageCipher;
  /** @default the double */
  readonly wrappingKeys?: WrappingKeys;
}

export async function openWorld(options: WorldOptions = {}): Promise<KeepingWorld> {
  const { fleets = [fleet], fleetWrappedPurposes, items = memoryItemStore() } = options;
  const clock = testClock();
  const keys = wrappingKeysDouble(clock.now);
  const notices: Notice[] = [];
  const log: LogLine[] = [];
  const started: StartedTask[] = [];
  for (const name of fleets) await putFleet(items, name);
  if (fleetWrappedPurposes !== undefined) {
    const put = configurationItem(fleet, { ...defaultConfiguration, fleetWrappedPurposes });
    await items.transact([{ put, when: "absent" }]);
  }
  const app: KeepingApp = {
    clock,
    entropy: systemEntropy,
    items,
    subjectKeys: options.subjectKeys ?? memoryItemStore(),
    wrappingKeys: options.wrappingKeys ?? keys,
    cipher: options.cipher ?? noCipher,
    keyPairs: systemDataKeyPairs,
    log: recordingLog(log),
    memo: boundedMemo(),
    identities: identityVerifier(),
    tasks: recordingStarter(started),
    keyRecoveryDays: 7,
    notifier: {
      async notify(notice) {
        await Promise.resolve();
        // As every real one does: what it refuses would keep a job from its end.
        encodeNotice(notice);
        notices.push(notice);
      },
    },
  };
  return { app, keys, clock, notices, log, started };
}

/** A key of the subject as it is made for its first data. */
export async function putKey(
  { subjectKeys, wrappingKeys, clock }: Pick<KeepingApp, "subjectKeys" | "wrappingKeys" | "clock">,
  subject: string,
  { version = 1, name = fleet }: { readonly version?: number; readonly name?: string } = {},
): Promise<Buffer> {
  const named = { fleet: name, subject, version, contextVersion: currentContextVersion };
  const { keyId, wrapped, plaintext } = await wrappingKeys.generate(name, subjectKeyContext(named));
  const now = clock.now();
  const record: SubjectKeyRecord = { ...named, keyId, wrapped, createdAt: now, wrappedAt: now };
  await subjectKeys.transact([{ put: subjectKeyItem(record), when: "absent" }]);
  return plaintext;
}

/** So many subjects with a key each, and what each key is in the clear. */
export async function putKeys(
  app: Parameters<typeof putKey>[0],
  count: number,
  name = fleet,
): Promise<ReadonlyMap<string, Buffer>> {
  const keys = new Map<string, Buffer>();
  for (let index = 1; index <= count; index += 1)
    keys.set(`s-${index}`, await putKey(app, `s-${index}`, { name }));
  return keys;
}

/** All keys of the fleet in the store. */
export async function storedKeys(app: KeepingApp, name = fleet): Promise<readonly SubjectKeyRecord[]> {
  const pages = await Promise.all(
    subjectKeyParts.map((part) =>
      readItems({ ...app, items: app.subjectKeys }, { pk: subjectKeyPartition(name, part), limit: 100_000 }),
    ),
  );
  return pages
    .flat()
    .filter(isSubjectKeyItem)
    .map((item) => subjectKeyRecord(item).value);
}

/** Every key opens, and is the one that it was. */
export async function expectSame(app: KeepingApp, keys: ReadonlyMap<string, Buffer>, name = fleet) {
  const stored = await storedKeys(app, name);
  expect(stored).toHaveLength(keys.size);
  for (const key of stored) {
    const opened = await app.wrappingKeys.unwrap(name, key, subjectKeyContext(key));
    expect(opened.equals(keys.get(key.subject) ?? Buffer.alloc(0))).toBe(true);
  }
}

export async function auditOf(app: KeepingApp, action: string, name = fleet) {
  const date = new Date(app.clock.now()).toISOString().slice(0, 10);
  const pages = await Promise.all(
    shards.map((shard) => readItems(app, { pk: `AUDIT#${name}#${date}#${shard}`, limit: 1_000 })),
  );
  const entries = pages.flat().map(({ attributes }) => attributes as Record<string, unknown>);
  return entries.filter((entry) => entry["action"] === action);
}

export async function callerOf(app: KeepingApp, name = fleet): Promise<OperatorCaller> {
  const item = await app.items.get(operatorKey(name, "owner-1"));
  if (item === undefined) expect.fail("no operator");
  return operatorCaller(operatorRecord(item), await getFleet(app, name), { by: "session", sessionId: "x" });
}

/** An approval that both owners have given for this; their passkeys are not what is tested. */
async function approvalOf(app: KeepingApp, critical: CriticalOperationId, body: unknown, name: string) {
  const caller = await callerOf(app, name);
  const wish = { operation: "shredData", critical, roles: ["owner"], parameters: {}, body } as const;
  const { approvalId } = await createApproval(app, caller, wish);
  const item = await app.items.get(approvalKey(name, approvalId));
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
  const operation = operationDigest({ fleet: name, operation: "shredData", parameters: {}, body });
  return await redeemApproval(app, { caller, critical, approvalId, operationDigest: operation });
}

/** As two people have approved it. */
export async function decisionOf(
  app: KeepingApp,
  what: Pick<ShredDecision, "scope" | "subject"> & Partial<Pick<ShredDecision, "reason">>,
  { critical = "dataDestruction", name = fleet }: { critical?: CriticalOperationId; name?: string } = {},
): Promise<ShredDecision> {
  const body = { reason: "erasure-request" as const, ...what };
  const approval = await approvalOf(app, critical, body, name);
  return { caller: await callerOf(app, name), approval, ...body };
}

/** So many keys, a wrapping key that was replaced since, and a re-encryption that has begun. */
export async function rotatedWorld(count: number) {
  const world = await openWorld();
  const keys = await putKeys(world.app, count);
  world.clock.advance(60_000);
  world.keys.rotate(fleet);
  const { reencryptionId: jobId } = await startReencryption(world.app, { fleet, actor });
  return { ...world, world, plain: keys, jobId };
}
