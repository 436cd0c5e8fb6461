/** Room: core/revocation. Jobs of bulk revocation as they are found, shown and listed. */
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import {
  jobKey,
  jobPartition,
  jobRecord,
  type RevocationJobRecord,
  type RevocationJobState,
} from "../records/revocation-job-record.ts";
import type { ProfileId } from "../standard/profiles.ts";
import { certificatesOf, type SubjectCounts } from "./bulk-subjects.ts";
import type { RevocationReason } from "./reason.ts";

/** Times are ISO 8601, UTC. */
export interface RevocationJob {
  readonly jobId: string;
  readonly state: RevocationJobState;
  readonly criteria: {
    readonly authorityId?: string;
    readonly claimId?: string;
    readonly firmware?: string;
    readonly profile?: ProfileId;
    readonly issuedFrom?: string;
    readonly issuedTo?: string;
  };
  readonly reason: RevocationReason;
  /** With that criterion: whether any device said that it runs this firmware when the job was made. */
  readonly firmwareKnown?: boolean;
  /** Certificates that the criteria meet and that had not expired, as far as it has counted; also revoked ones. */
  readonly matched: number;
  /** Those of them that the count found to be revoked, and whose they are. An execution revokes no more. */
  readonly toRevoke: { readonly certificates: number; readonly bySubject: SubjectCounts };
  readonly revoked: number;
  /** Of those that match: revoked for good before, or expired meanwhile. */
  readonly unchanged: number;
  readonly progress: { readonly read: number; readonly of?: number };
  readonly createdAt: string;
  readonly countedAt?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** `operator:…`, as the audit log names them. */
  readonly createdBy: string;
  readonly startedBy?: string;
}

export interface JobRequest {
  readonly fleet: string;
  readonly jobId: string;
}

export interface JobListRequest {
  readonly fleet: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** From the previous page. */
  readonly cursor?: string;
}

/** One page, newest first. */
export interface RevocationJobList {
  readonly revocations: readonly RevocationJob[];
  /** Present when there is more. */
  readonly cursor?: string;
}

type Times = "countedAt" | "startedAt" | "endedAt";

function times(record: RevocationJobRecord): Partial<Pick<RevocationJob, Times>> {
  const { countedAt, startedAt, endedAt } = record;
  return {
    ...(countedAt === undefined ? {} : { countedAt: isoSeconds(countedAt) }),
    ...(startedAt === undefined ? {} : { startedAt: isoSeconds(startedAt) }),
    ...(endedAt === undefined ? {} : { endedAt: isoSeconds(endedAt) }),
  };
}

function criteriaOf({ criteria }: RevocationJobRecord): RevocationJob["criteria"] {
  const { issuedFrom, issuedTo, ...rest } = criteria;
  // Whole, not cut to the second: the window is exact.
  return {
    ...rest,
    ...(issuedFrom === undefined ? {} : { issuedFrom: new Date(issuedFrom).toISOString() }),
    ...(issuedTo === undefined ? {} : { issuedTo: new Date(issuedTo).toISOString() }),
  };
}

/** The job as people see it. */
export function revocationJob(record: RevocationJobRecord): RevocationJob {
  const { jobId, state, reason, firmwareKnown, matched, revoked, unchanged, startedBy } = record;
  const { read, of, toRevoke } = record;
  return {
    jobId,
    state,
    criteria: criteriaOf(record),
    reason,
    ...(firmwareKnown === undefined ? {} : { firmwareKnown }),
    matched,
    toRevoke: { certificates: certificatesOf(toRevoke), bySubject: toRevoke },
    revoked,
    unchanged,
    progress: { read, ...(of === undefined ? {} : { of }) },
    createdAt: isoSeconds(record.createdAt),
    ...times(record),
    createdBy: record.createdBy,
    ...(startedBy === undefined ? {} : { startedBy }),
  };
}

const idForm = /^[0-9a-f]{32}$/;

/** @throws AppError not_found. */
export async function findJob(
  app: KeylessApp,
  { fleet, jobId }: JobRequest,
): Promise<Stored<RevocationJobRecord>> {
  const item = idForm.test(jobId) ? await app.items.get(jobKey(fleet, jobId)) : undefined;
  if (item !== undefined) return jobRecord(item);
  throw new AppError("not_found", "no bulk revocation of this fleet has that id; list them");
}

/** @throws AppError not_found: also for a job of another fleet. */
export async function getRevocationJob(app: KeylessApp, request: JobRequest): Promise<RevocationJob> {
  return revocationJob((await findJob(app, request)).value);
}

/** @throws AppError request_invalid (limit), cursor_invalid. */
export async function listRevocationJobs(
  app: KeylessApp,
  { fleet, limit, cursor }: JobListRequest,
): Promise<RevocationJobList> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new AppError("request_invalid", `limit ${limit} is outside 1 to 1000; follow the cursor for more`);
  // A cursor is the id of the first job that has not been shown.
  if (cursor !== undefined && !idForm.test(cursor))
    throw new AppError("cursor_invalid", "the cursor is not one that this list gave; start without one");
  const from = cursor === undefined ? {} : { to: cursor };
  const query = { pk: jobPartition(fleet), descending: true, limit: limit + 1, ...from };
  const records = (await readItems(app, query)).map((item) => jobRecord(item).value);
  const revocations = records.slice(0, limit).map(revocationJob);
  const next = records[limit];
  return next === undefined ? { revocations } : { revocations, cursor: next.jobId };
}
