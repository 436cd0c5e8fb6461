/**
 * Room: core/revocation. Takes trust back from many certificates at once: a dry run counts them, two people approve, and
 * a task then revokes batch by batch. Here jobs are made and moved on; `bulk-worker.ts` does their work.
 */
import { type ApprovedOperation, executeApproved } from "../access/approval.ts";
import type { OperatorCaller } from "../access/caller.ts";
import { auditEntry } from "../audit/entry.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, RevocationApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { jobItem, type RevocationJobRecord } from "../records/revocation-job-record.ts";
import { findJob, type JobRequest, type RevocationJob, revocationJob } from "./bulk-job.ts";
import { certificatesOf, noSubjects } from "./bulk-subjects.ts";
import { isFirmwareKnown } from "./bulk-walk.ts";
import { assertKnown, checkCriteria, type RevocationCriteria } from "./criteria.ts";
import type { RevocationReason } from "./reason.ts";
import { wake } from "./wake.ts";

export { getRevocationJob, listRevocationJobs, type RevocationJob } from "./bulk-job.ts";

export interface PreviewRequest {
  readonly fleet: string;
  /** Who asks, as the audit log names it: `operator:…`. */
  readonly actor: string;
  readonly criteria: RevocationCriteria;
  /** Of the revocations to be: final, so never a hold. */
  readonly reason: RevocationReason;
}

export interface ExecutionRequest extends JobRequest {
  readonly caller: OperatorCaller;
  /** How many are to be revoked, as the job has counted: what was approved. */
  readonly certificates: number;
  readonly approval: ApprovedOperation;
}

export interface CancellationRequest extends JobRequest {
  readonly actor: string;
}

const hour = 3_600_000;
/** A count from before says too little of what would be revoked now. */
const countHours = 24;

/** Each lost race is a batch of the worker's; a person's call wins one of so many. */
const attempts = 50;

/** The act of `actor` on the job, for the audit. `reason`: how it ended. */
export function jobEntry(
  app: KeylessApp,
  { fleet, jobId }: RevocationJobRecord,
  action: "revocation-job.created" | "revocation-job.started" | "revocation-job.ended",
  actor: string,
  reason?: string,
): WriteOperation {
  const act = { fleet, action, actor, subject: jobId, result: "success" } as const;
  return auditEntry(app, reason === undefined ? act : { ...act, reason });
}

function drawJobId(app: KeylessApp, now: number): string {
  return now.toString(16).padStart(12, "0") + Buffer.from(app.entropy.bytes(10)).toString("hex");
}

/**
 * Begins the dry run, which counts and changes nothing. Certificates issued from now on are never caught.
 * @throws AppError request_invalid, name_not_permitted: see `checkCriteria` and `assertKnown`.
 */
export async function previewRevocation(app: RevocationApp, request: PreviewRequest): Promise<RevocationJob> {
  const { fleet, actor, reason } = request;
  const createdAt = app.clock.now();
  const criteria = checkCriteria(request.criteria, createdAt);
  await assertKnown(app, fleet, criteria);
  const { firmware } = criteria;
  const job: RevocationJobRecord = {
    fleet,
    jobId: drawJobId(app, createdAt),
    state: "counting",
    criteria,
    reason,
    createdAt,
    createdBy: actor,
    ...(firmware === undefined ? {} : { firmwareKnown: await isFirmwareKnown(app, fleet, firmware) }),
    matched: 0,
    toRevoke: noSubjects,
    revoked: 0,
    unchanged: 0,
    read: 0,
  };
  const entry = jobEntry(app, job, "revocation-job.created", actor, reason);
  await app.items.transact([{ put: jobItem(job), when: "absent" }, entry]);
  await wake(app, "maintain");
  return revocationJob(job);
}

function assertCounted({ state, countedAt = 0 }: RevocationJobRecord, now: number): void {
  if (state === "counting")
    throw new AppError("job_state_invalid", "the job is still counting; wait until its state is counted");
  if (state !== "counted")
    throw new AppError("job_state_invalid", `the job is ${state}, not counted; preview the revocation anew`);
  const age = now - countedAt;
  if (age <= countHours * hour) return;
  throw new AppError(
    "job_state_invalid",
    `the count is ${Math.floor(age / hour)} h old, limit ${countHours} h; preview the revocation anew`,
  );
}

function assertCount({ toRevoke }: RevocationJobRecord, certificates: number): void {
  const counted = certificatesOf(toRevoke);
  if (certificates === counted) return;
  throw new AppError(
    "request_invalid",
    `certificates ${certificates} is not the ${counted} that the job has counted; read the job again, and have its own number approved`,
  );
}

/** The job as it is when its execution begins: its counts start again, from those that the count found. */
function started(
  { position: _, ...job }: RevocationJobRecord,
  actor: string,
  now: number,
): RevocationJobRecord {
  const counts = { revoked: 0, unchanged: 0, read: 0, of: job.read };
  return { ...job, ...counts, state: "revoking", startedAt: now, startedBy: actor };
}

/** Changes the job by `change` as it stands, again when it was changed meanwhile. */
async function changeJob(
  app: KeylessApp,
  request: JobRequest,
  change: (stored: Stored<RevocationJobRecord>) => Promise<RevocationJobRecord>,
): Promise<RevocationJob> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return revocationJob(await change(await findJob(app, request)));
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}

/**
 * Begins to revoke what was counted, spends the approval and writes the audit entry, all or none.
 * @throws AppError not_found; job_state_invalid: not counted, or more than 24 h ago; request_invalid: another number
 * than was counted (the approval is still good after both); approval_mismatch; approval_spent.
 */
export async function executeRevocation(
  app: RevocationApp,
  request: ExecutionRequest,
): Promise<RevocationJob> {
  const { caller, approval, certificates } = request;
  if (approval.critical !== "bulkRevocation" || caller.fleet !== request.fleet)
    throw new AppError("approval_mismatch", "the approval is for another operation; ask for one for this");
  const view = await changeJob(app, request, async ({ value, version }) => {
    const now = app.clock.now();
    assertCounted(value, now);
    assertCount(value, certificates);
    const job = started(value, caller.actor, now);
    const entry = jobEntry(app, job, "revocation-job.started", caller.actor, job.reason);
    await executeApproved(app, approval, [{ put: jobItem(job), when: version }, entry]);
    return job;
  });
  await wake(app, "maintain");
  return view;
}

/**
 * Stops the job. What is revoked stays revoked: the answer says how many. Repeating it gives the same answer.
 * @throws AppError not_found, job_state_invalid (done or stopped), store_condition_failed.
 */
export function cancelRevocation(app: RevocationApp, request: CancellationRequest): Promise<RevocationJob> {
  return changeJob(app, request, async ({ value, version }) => {
    if (value.state === "cancelled") return value;
    if (value.state === "done" || value.state === "stopped")
      throw new AppError("job_state_invalid", `the job is ${value.state}; what is revoked stays revoked`);
    const job: RevocationJobRecord = { ...value, state: "cancelled", endedAt: app.clock.now() };
    const entry = jobEntry(app, job, "revocation-job.ended", request.actor, "cancelled");
    await app.items.transact([{ put: jobItem(job), when: version }, entry]);
    return job;
  });
}
