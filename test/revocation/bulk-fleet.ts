/** Room: test/revocation. A fleet full of certificates for bulk revocation, the people who approve it, and its tasks. */
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { type ApprovedOperation, redeemApproval } from "../../core/access/approval.ts";
import { createApproval } from "../../core/access/approval-request.ts";
import type { OperatorCaller } from "../../core/access/caller.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { operatorCaller } from "../../core/access/operator.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import type { App, ItemStore, RevocationApp, StartedTask } from "../../core/ports.ts";
import { approvalItem, approvalKey, approvalRecord } from "../../core/records/approval-record.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateRecord,
  issuePartition,
} from "../../core/records/certificate-record.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { operatorItem, operatorKey, operatorRecord } from "../../core/records/operator-record.ts";
import { readItems } from "../../core/records/pages.ts";
import { shards } from "../../core/records/shard.ts";
import {
  type ExecutionRequest,
  executeRevocation,
  getRevocationJob,
  previewRevocation,
  type RevocationJob,
} from "../../core/revocation/bulk.ts";
import { continueJobs } from "../../core/revocation/bulk-worker.ts";
import { crlShardOf } from "../../core/revocation/shard.ts";
import type { CriticalOperationId } from "../../core/standard/access.ts";
import { type FleetApp, openFleetApp, testFleet } from "../support/fleet-app.ts";

export const actor = "operator:owner-1";
export const day = 86_400_000;
/** No run of a test takes that long. */
export const forever = Number.MAX_SAFE_INTEGER;

export interface BulkFleet extends Omit<FleetApp, "app"> {
  readonly app: App & RevocationApp;
  /** Tasks that were asked for, in order. */
  readonly started: StartedTask[];
}

export async function openBulkFleet(options: Parameters<typeof openFleetApp>[0] = {}): Promise<BulkFleet> {
  const opened = await openFleetApp(options);
  const started: StartedTask[] = [];
  const tasks = {
    start: (task: StartedTask) => {
      started.push(task);
      return Promise.resolve();
    },
  };
  const { fleet } = opened.fleet.record;
  for (const operatorId of ["owner-1", "owner-2"]) {
    const record = {
      fleet,
      operatorId,
      roles: ["owner"],
      state: "active",
      origin: "invitation",
      passkeys: [`passkey-of-${operatorId}`],
      createdAt: 0,
    } as const;
    await opened.app.items.transact([{ put: operatorItem(record), when: "absent" }]);
  }
  return { ...opened, app: { ...opened.app, tasks }, started };
}

export const newSerial = (): string => randomBytes(16).toString("hex").replace(/^./, "4");

/** As issued an hour ago, in force for thirty days; its octets are no certificate, which nothing here reads. */
export function certificateOf(app: App, more: Partial<CertificateRecord> = {}): CertificateRecord {
  const issuedAt = more.issuedAt ?? app.clock.now() - 3_600_000;
  const notAfter = more.notAfter ?? issuedAt + 30 * day;
  return {
    fleet: testFleet,
    serialNumber: newSerial(),
    state: "issued",
    subjectKind: "device",
    subjectId: "pump-1",
    profile: "device",
    authorityId: "issuing-1",
    keyId: "key-1",
    algorithm: "P-256",
    keyAlgorithm: "P-256",
    keyFingerprint: randomBytes(32).toString("hex"),
    notBefore: issuedAt,
    createdAt: issuedAt - 20,
    issuedAt,
    credential: "token:x",
    leaseUntil: 0,
    certificate: new Uint8Array(8),
    crlShard: crlShardOf(notAfter, 7),
    ...more,
    notAfter,
  };
}

/** Gives the fleet authorities of these ids, as far as it has none: what is put or asked for names one. */
export async function know(app: App, authorityIds: readonly string[]): Promise<void> {
  const { authorities } = await getFleet(app, testFleet);
  const ids = authorities.map(({ record }) => record.authorityId);
  const like = authorities.find(({ record }) => record.authorityId === "issuing-1")?.record;
  if (like === undefined) expect.fail("no authority issuing-1");
  const missing = [...new Set(authorityIds)].filter((id) => !ids.includes(id));
  await Promise.all(
    missing.map((authorityId) =>
      app.items.transact([{ put: authorityItem({ ...like, authorityId }), when: "absent" }]),
    ),
  );
}

export async function put(app: App, records: readonly CertificateRecord[]): Promise<void> {
  await know(
    app,
    records.map(({ authorityId }) => authorityId),
  );
  for (let first = 0; first < records.length; first += 100) {
    const some = records.slice(first, first + 100);
    await app.items.transact(
      some.map((record) => ({ put: certificateItem(record), when: "absent" as const })),
    );
  }
}

/** All certificates of the fleet that were put or issued, by serial number. */
export async function stored(app: App, fleet = testFleet): Promise<ReadonlyMap<string, CertificateRecord>> {
  const pages = await Promise.all(
    shards.map((shard) =>
      readItems(app, { index: "byIssue", pk: issuePartition(fleet, shard), limit: 100_000 }),
    ),
  );
  const records = pages.flat().map((item) => certificateRecord(item).value);
  return new Map(records.map((record) => [record.serialNumber, record]));
}

/** Entries of today and of `days` to come. */
export async function auditOf(
  app: App,
  action: string,
  days = 0,
): Promise<readonly Record<string, unknown>[]> {
  const dates = Array.from({ length: days + 1 }, (_, index) =>
    new Date(app.clock.now() - index * day).toISOString().slice(0, 10),
  );
  const partitions = dates.flatMap((date) => shards.map((shard) => `AUDIT#${testFleet}#${date}#${shard}`));
  const pages = await Promise.all(partitions.map((pk) => readItems(app, { pk, limit: 100_000 })));
  const entries = pages.flat().map(({ attributes }) => attributes as Record<string, unknown>);
  return entries.filter((entry) => entry["action"] === action);
}

export async function callerOf(app: App, operatorId = "owner-1", fleet = testFleet): Promise<OperatorCaller> {
  const item = await app.items.get(operatorKey(fleet, operatorId));
  if (item === undefined) expect.fail(`no operator ${operatorId}`);
  return operatorCaller(operatorRecord(item), await getFleet(app, fleet), { by: "session", sessionId: "x" });
}

/** How many the job has counted to be revoked. */
export async function countOf(app: App, jobId: string): Promise<number> {
  return (await getRevocationJob(app, { fleet: testFleet, jobId })).toRevoke.certificates;
}

/** An approval that the two owners have given for the execution of `jobId`, of its own count. Their passkeys are not what is tested. */
export async function approvalOf(
  app: App,
  jobId: string,
  critical: CriticalOperationId = "bulkRevocation",
): Promise<string> {
  const caller = await callerOf(app);
  const { approvalId } = await createApproval(app, caller, {
    operation: "executeRevocation",
    critical,
    roles: ["owner"],
    parameters: { jobId },
    body: { certificates: await countOf(app, jobId) },
  });
  const item = await app.items.get(approvalKey(testFleet, approvalId));
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
  return approvalId;
}

export async function redeem(
  app: App,
  jobId: string,
  approvalId: string | undefined,
  critical: CriticalOperationId = "bulkRevocation",
): Promise<ApprovedOperation> {
  const body = { certificates: await countOf(app, jobId) };
  const operation = { fleet: testFleet, operation: "executeRevocation", parameters: { jobId }, body };
  const caller = await callerOf(app);
  return redeemApproval(app, { caller, critical, approvalId, operationDigest: operationDigest(operation) });
}

/** What is asked for with this approval: the very count. */
export async function executionOf(app: App, jobId: string, approvalId: string): Promise<ExecutionRequest> {
  const [caller, certificates] = [await callerOf(app), await countOf(app, jobId)];
  const approval = await redeem(app, jobId, approvalId);
  return { fleet: testFleet, jobId, caller, certificates, approval };
}

/** Approved by both, and begun. */
export async function execute(app: App & RevocationApp, jobId: string): Promise<RevocationJob> {
  return executeRevocation(app, await executionOf(app, jobId, await approvalOf(app, jobId)));
}

/** Counted to the end. */
export async function preview(
  app: App & RevocationApp,
  criteria: Parameters<typeof previewRevocation>[1]["criteria"],
  reason: RevocationJob["reason"] = "keyCompromise",
): Promise<string> {
  const { jobId } = await previewRevocation(app, { fleet: testFleet, actor, criteria, reason });
  await continueJobs(app, { until: forever });
  return jobId;
}

/** A run whose time is over after so many batches. */
export async function continueOnce({ app, clock }: BulkFleet, batches = 1): Promise<void> {
  const items: ItemStore = {
    get: (key) => app.items.get(key),
    query: (query) => app.items.query(query),
    async transact(operations) {
      await app.items.transact(operations);
      clock.advance(60_000);
    },
  };
  await continueJobs({ ...app, items }, { until: clock.now() + batches * 60_000 });
}
