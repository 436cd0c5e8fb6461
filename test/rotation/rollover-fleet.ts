/**
 * Room: test. A deployed fleet that can be copied in memory, with its two owners, the tasks of rotation, and a keeper of
 * keys that verifies what a real one verifies: a root signs for whoever shows the token of a loan, and for nobody else.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import { openSoftwareKeyService } from "../../adapters/local/software-key-service.ts";
import { systemEntropy } from "../../adapters/system/entropy.ts";
import { type ApprovedOperation, redeemApproval } from "../../core/access/approval.ts";
import { createApproval } from "../../core/access/approval-request.ts";
import type { OperatorCaller } from "../../core/access/caller.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { operatorCaller } from "../../core/access/operator.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { deployFleet } from "../../core/bootstrap/deployment.ts";
import { publishTrust } from "../../core/distribution/trust-publication.ts";
import { isAppError } from "../../core/errors.ts";
import { boundedMemo } from "../../core/memo.ts";
import type {
  CeremonyApp,
  ItemStore,
  KeyService,
  Notice,
  RotationApp,
  StartedTask,
  WriteOperation,
} from "../../core/ports.ts";
import { approvalItem, approvalKey, approvalRecord } from "../../core/records/approval-record.ts";
import { operatorItem, operatorKey, operatorRecord } from "../../core/records/operator-record.ts";
import { advanceRollovers } from "../../core/rotation/advance.ts";
import { holdCeremonies } from "../../core/rotation/held-ceremony.ts";
import { lendRoots, returnRoots } from "../../core/rotation/loans.ts";
import type { CriticalOperationId } from "../../core/standard/access.ts";
import {
  type LogLine,
  recordingLog,
  recordingStarter,
  type TestClock,
  testClock,
} from "../support/fleet-app.ts";
import { memoryItemStore } from "../support/memory-item-store.ts";
import { type MemoryObjectStore, memoryObjectStore } from "../support/memory-object-store.ts";
import { guarded, type Kept, keeper } from "./key-keeper.ts";

export const name = "clinic";
export const day = 86_400_000;
export const minute = 60_000;

export type RolloverApp = RotationApp & CeremonyApp;

interface State {
  readonly items: ItemStore;
  readonly committed: (readonly WriteOperation[])[];
  readonly kept: Kept;
  readonly objects: Readonly<Record<"artifacts" | "trustStores" | "records", MemoryObjectStore>>;
  readonly clock: TestClock;
  advanced: number;
}

export interface RolloverFleet {
  readonly app: RolloverApp;
  readonly kept: Kept;
  readonly notices: Notice[];
  readonly started: StartedTask[];
  readonly log: readonly LogLine[];
  readonly records: MemoryObjectStore;
  /** Fails the next so many loans. */
  refuseLoans: number;
  advance(milliseconds: number): void;
  /** Another fleet in the same state, which shares nothing with this one but its keys. */
  copy(): Promise<RolloverFleet>;
  close(): Promise<void>;
}

function recording(items: ItemStore, committed: (readonly WriteOperation[])[]): ItemStore {
  return {
    get: (key) => items.get(key),
    query: (query) => items.query(query),
    async transact(operations) {
      await items.transact(operations);
      committed.push(operations);
    },
  };
}

const stores = () => ({
  artifacts: memoryObjectStore({ namesVersions: false }),
  trustStores: memoryObjectStore({ namesVersions: true }),
  records: memoryObjectStore({ namesVersions: true }),
});

const newState = (): State => ({
  items: memoryItemStore(),
  committed: [],
  kept: { deletions: new Map(), loans: new Map(), lent: [] },
  objects: stores(),
  clock: testClock(),
  advanced: 0,
});

async function copied(state: State): Promise<State> {
  const other = newState();
  for (const operations of state.committed) {
    await other.items.transact(operations);
    other.committed.push(operations);
  }
  for (const each of ["artifacts", "trustStores", "records"] as const)
    for (const key of state.objects[each].keys)
      for (const version of state.objects[each].versions(key)) await other.objects[each].put(key, version);
  for (const [key, at] of state.kept.deletions) other.kept.deletions.set(key, at);
  for (const [id, key] of state.kept.loans) other.kept.loans.set(id, key);
  other.kept.lent.push(...state.kept.lent);
  other.clock.advance(state.advanced);
  other.advanced = state.advanced;
  return other;
}

function fleetOf(state: State, keys: KeyService, close: () => Promise<void>): RolloverFleet {
  const notices: Notice[] = [];
  const started: StartedTask[] = [];
  const log: LogLine[] = [];
  const refused = () => {
    if (fleet.refuseLoans === 0) return false;
    fleet.refuseLoans -= 1;
    return true;
  };
  const app: RolloverApp = {
    ...state.objects,
    clock: state.clock,
    entropy: systemEntropy,
    items: recording(state.items, state.committed),
    keys: guarded(keys, state.kept, []),
    keysWith: (tokens) => guarded(keys, state.kept, tokens),
    custody: keeper(state, refused),
    dataKeys: { list: async () => [], rotateNow: () => Promise.reject(new Error("none")) },
    log: recordingLog(log),
    memo: boundedMemo(),
    identities: identityVerifier(),
    tasks: recordingStarter(started),
    notifier: {
      async notify(notice) {
        await Promise.resolve();
        notices.push(notice);
      },
    },
  };
  const fleet: RolloverFleet = {
    app,
    kept: state.kept,
    notices,
    started,
    log,
    records: state.objects.records,
    refuseLoans: 0,
    advance(milliseconds) {
      state.clock.advance(milliseconds);
      state.advanced += milliseconds;
    },
    copy: async () => fleetOf(await copied(state), keys, async () => undefined),
    close,
  };
  return fleet;
}

export const owners = ["owner-1", "owner-2"] as const;

export async function addOwners(app: RolloverApp, fleet = name): Promise<void> {
  for (const operatorId of owners) {
    const record = {
      ...{ fleet, operatorId, roles: ["owner"], state: "active", origin: "invitation", createdAt: 0 },
      passkeys: [`passkey-of-${operatorId}`],
    } as const;
    await app.items.transact([{ put: operatorItem(record as never), when: "absent" }]);
  }
}

const planOf = (fleet: string) =>
  ({ fleet, trustDomain: "example.test", rootAlgorithm: "P-256", issuingAlgorithm: "P-256" }) as const;

/** Deploys `fleet` with the roots at hand, as a deployment has them. */
export async function deploy(app: RolloverApp, keys: KeyService, fleet = name): Promise<void> {
  const request = { plan: planOf(fleet), fleets: [name], origin: "https://keys.example.test" };
  await deployFleet({ ...app, keys }, request);
  await addOwners(app, fleet);
}

export async function openRolloverFleet(): Promise<
  RolloverFleet & { readonly keys: KeyService; readonly directory: string }
> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  const masterKey = { keyFile: join(directory, "master.key") };
  const keys = await openSoftwareKeyService({ directory: join(directory, "keys"), masterKey });
  const fleet = fleetOf(newState(), keys, () => rm(directory, { recursive: true, force: true }));
  await deploy(fleet.app, keys);
  fleet.notices.length = 0;
  return Object.assign(fleet, { keys, directory });
}

export async function callerOf(
  app: RolloverApp,
  fleet = name,
  operatorId: string = owners[0],
): Promise<OperatorCaller> {
  const item = await app.items.get(operatorKey(fleet, operatorId));
  if (item === undefined) expect.fail(`no operator ${operatorId}`);
  return operatorCaller(operatorRecord(item), await getFleet(app, fleet), { by: "session", sessionId: "x" });
}

export interface Wanted {
  readonly critical: CriticalOperationId;
  /** What is approved, in place of a route's own parameters and body. */
  readonly what: string;
  readonly fleet?: string;
  /** @default both owners */
  readonly by?: readonly string[];
  /** Milliseconds since their assertions. @default 0 */
  readonly age?: number;
  /** What it is redeemed for. @default what was approved */
  readonly redeemedFor?: string;
}

/** The people's passkeys are not what is tested: their assertions are written down as taken. */
export async function approved(
  app: RolloverApp,
  wanted: Wanted,
): Promise<{ readonly caller: OperatorCaller; readonly approval: ApprovedOperation }> {
  const { critical, what, fleet = name, by = owners, age = 0 } = wanted;
  const caller = await callerOf(app, fleet);
  const operation = { operation: "advanceRollover", parameters: { what }, body: {} };
  const { approvalId } = await createApproval(app, caller, { ...operation, critical, roles: ["owner"] });
  const item = await app.items.get(approvalKey(fleet, approvalId));
  if (item === undefined) expect.fail("no approval");
  const { value, version } = approvalRecord(item);
  const since = app.clock.now() - age;
  const proof = { by: "oidc", issuer: "https://idp.example.test", tokenSha256: "00" } as const;
  const assertions = by.map((operatorId) => ({ operatorId, since, takenAt: since, proof }));
  await app.items.transact([{ put: approvalItem({ ...value, assertions }), when: version }]);
  const parameters = { what: wanted.redeemedFor ?? what };
  const digest = operationDigest({ fleet, ...operation, parameters });
  const approval = await redeemApproval(app, { caller, critical, approvalId, operationDigest: digest });
  return { caller, approval };
}

/** One run of the task `rotate`, as far as rollovers and ceremonies go. */
export async function tick(app: RolloverApp, fleet = name): Promise<number> {
  let steps = await returnRoots(app, fleet);
  steps += await lendRoots(app, fleet);
  return steps + (await advanceRollovers(app, fleet));
}

/** A signer of manifests that is too old signs none: years pass here in which nobody looks after it. */
export async function publish(app: RolloverApp, fleet = name): Promise<void> {
  try {
    await publishTrust(app, fleet);
  } catch (error) {
    if (!isAppError(error, "key_overdue")) throw error;
  }
}

/** Tasks until they have nothing to do, as the wakes and the schedule make them run. */
export async function settle(app: RolloverApp, fleet = name): Promise<void> {
  for (let round = 0; round < 12; round += 1) {
    const { held } = await holdCeremonies(app);
    await publish(app, fleet);
    if ((await tick(app, fleet)) === 0 && held === 0 && round > 2) return;
  }
}
