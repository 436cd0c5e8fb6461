/** Room: core/access. Approvals as objects: asked for, read by those who are to approve, and what became of them. */
import { auditEntry } from "../audit/entry.ts";
import type { Fleet } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import {
  type ApprovalAssertion,
  type ApprovalRecord,
  approvalItem,
  approvalPartition,
  approvalRecord,
} from "../records/approval-record.ts";
import { readItems } from "../records/pages.ts";
import {
  accessPeriods,
  type CriticalOperationId,
  criticalOperations,
  type Role,
} from "../standard/access.ts";
import { findApproval } from "./approval.ts";
import { approvalChallenge } from "./approval-challenge.ts";
import { type Approvers, findApprovers, isFresh, requirement, suffices } from "./approvers.ts";
import type { OperatorCaller } from "./caller.ts";
import { siteOf } from "./challenge.ts";
import { canonicalJson, operationDigest } from "./operation.ts";
import { drawSecret } from "./secret.ts";

export interface RequestedOperation {
  /** Id of the route. */
  readonly operation: string;
  readonly critical: CriticalOperationId;
  /** Whom the route is for. */
  readonly roles: readonly Role[];
  /** Path parameters but the fleet. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The very body that it will be called with, as JSON.parse gave it. */
  readonly body: unknown;
  /** Throws for a body that the operation would not take: what nobody can execute is not kept. @default takes all */
  readonly judge?: () => void | Promise<void>;
}

export interface ApprovalSummary {
  readonly approvalId: string;
  readonly operation: string;
  readonly critical: CriticalOperationId;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly operationDigest: string;
  /** What a passkey signs, or an ID token's nonce: of now, and good for five minutes. */
  readonly challenge: string;
  readonly relyingPartyId?: string;
  /** The page at which passkeys approve it; absent while the fleet has no page. */
  readonly url?: string;
  readonly state: "requested" | "approved" | "executed" | "expired";
  /** How many people it needs, as the fleet's operators are now. */
  readonly persons: number;
  readonly requestedBy: string;
  /** Whose assertions count now; once it is executed, whose did. */
  readonly approvedBy: readonly string[];
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly executedAt?: string;
}

function stateOf(record: ApprovalRecord, enough: boolean, now: number): ApprovalSummary["state"] {
  if (record.executedAt !== undefined) return "executed";
  if (record.expiresAt <= now) return "expired";
  return enough ? "approved" : "requested";
}

/** What it needs as the operators are now; once it is executed, what it needed then. */
function personsOf(record: ApprovalRecord, approvers: Approvers): number {
  if (record.executedAt === undefined) return requirement(record, approvers).persons;
  return record.exception === undefined ? criticalOperations[record.critical].persons : 1;
}

/** Whose assertions count now; once it is executed, whose did, whoever is in office today. */
function counted(record: ApprovalRecord, approvers: Approvers, now: number): readonly ApprovalAssertion[] {
  const { executedAt, assertions } = record;
  const fresh = assertions.filter((assertion) => isFresh(assertion, executedAt ?? now));
  return executedAt === undefined ? fresh.filter(({ operatorId }) => approvers.has(operatorId)) : fresh;
}

/** Where passkeys work: not always the name that the caller used, which may be the one for certificates. */
function pageOf(
  fleet: Fleet,
  approvalId: string,
): { readonly relyingPartyId?: string; readonly url?: string } {
  const site = siteOf(fleet);
  if (site === undefined) return {};
  const fragment = new URLSearchParams({ fleet: fleet.record.fleet, approval: approvalId });
  return { relyingPartyId: site.relyingPartyId, url: `${site.origin}/passkeys#${fragment}` };
}

/** What `record` says at the present time. */
export function approvalSummary(
  app: KeylessApp,
  fleet: Fleet,
  record: ApprovalRecord,
  approvers: Approvers,
): ApprovalSummary {
  const now = app.clock.now();
  const { executedAt, createdAt, expiresAt, operation, critical, approvalId, requestedBy } = record;
  const assertions = counted(record, approvers, now);
  const document = JSON.parse(record.document) as Pick<ApprovalSummary, "parameters" | "body">;
  return {
    approvalId,
    operation,
    critical,
    parameters: document.parameters,
    body: document.body,
    operationDigest: record.operationDigest,
    challenge: approvalChallenge(record, now),
    ...pageOf(fleet, approvalId),
    state: stateOf(record, suffices(record, assertions, approvers), now),
    persons: personsOf(record, approvers),
    requestedBy,
    approvedBy: assertions.map(({ operatorId }) => operatorId),
    createdAt: isoSeconds(createdAt),
    expiresAt: isoSeconds(expiresAt),
    ...(executedAt === undefined ? {} : { executedAt: isoSeconds(executedAt) }),
  };
}

/** Octets of canonical JSON that people can be asked to read. */
const maximumOctets = 32_768;

function documentOf({ parameters, body }: RequestedOperation): string {
  const document = canonicalJson({ parameters, body });
  const octets = Buffer.byteLength(document);
  if (octets <= maximumOctets) return document;
  throw new AppError(
    "request_too_large",
    `the operation has ${octets} octets of canonical JSON, limit ${maximumOctets}; split it`,
  );
}

/** 48 bits of time, then 80 random ones: newest last in order, and nobody's guess. */
function drawApprovalId(app: KeylessApp, now: number): string {
  return now.toString(16).padStart(12, "0") + Buffer.from(app.entropy.bytes(10)).toString("hex");
}

/**
 * Nothing is done yet: assertions follow, then the operation itself is called.
 * @throws AppError role_not_permitted (the operation is not for this caller), request_too_large, request_invalid (nested
 * too deeply); what `judge` throws.
 */
export async function createApproval(
  app: KeylessApp,
  caller: OperatorCaller,
  request: RequestedOperation,
): Promise<ApprovalSummary> {
  const { fleet, actor, fleetState, roles, subjectId } = caller;
  const { operation, critical, parameters, body } = request;
  if (!roles.some((role) => request.roles.includes(role)))
    throw new AppError(
      "role_not_permitted",
      `${operation} is for ${request.roles.join(", ")}; ask one of them to ask for this approval`,
    );
  const document = documentOf(request);
  await request.judge?.();
  const createdAt = app.clock.now();
  const record: ApprovalRecord = {
    fleet,
    approvalId: drawApprovalId(app, createdAt),
    operation,
    critical,
    document,
    operationDigest: operationDigest({ fleet, operation, parameters, body }),
    nonce: drawSecret(app),
    requestedBy: subjectId,
    createdAt,
    expiresAt: createdAt + accessPeriods.approval.seconds * 1000,
    assertions: [],
  };
  const subject = record.approvalId;
  const act = {
    fleet,
    action: "approval.requested",
    actor,
    subject,
    result: "success",
    reason: operation,
  } as const;
  const approvers = await findApprovers(app, fleet);
  await app.items.transact([{ put: approvalItem(record), when: "absent" }, auditEntry(app, act)]);
  return approvalSummary(app, fleetState, record, approvers);
}

const listed = 100;

/** The newest 100, newest first. */
export async function listApprovals(
  app: KeylessApp,
  { fleet, fleetState }: OperatorCaller,
): Promise<readonly ApprovalSummary[]> {
  const [items, approvers] = await Promise.all([
    readItems(app, { pk: approvalPartition(fleet), limit: listed, descending: true }),
    findApprovers(app, fleet),
  ]);
  return items.map((item) => approvalSummary(app, fleetState, approvalRecord(item).value, approvers));
}

/** @throws AppError not_found. */
export async function getApproval(
  app: KeylessApp,
  { fleet, fleetState }: OperatorCaller,
  approvalId: string,
): Promise<ApprovalSummary> {
  const found = await findApproval(app, fleet, approvalId);
  if (found === undefined) throw new AppError("not_found", "no approval of this fleet has that id");
  return approvalSummary(app, fleetState, found.value, await findApprovers(app, fleet));
}
