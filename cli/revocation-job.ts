/**
 * Room: cli. Bulk revocations: the service does the work, and goes on whether or not anybody watches. Here they are
 * looked at until they have come as far as is wanted.
 */
import { type RevocationJob, revocationJob } from "../lambdas/http/revocation-answers.ts";
import type { Context } from "./command.ts";
import { type ApprovalFlags, callCritical } from "./critical-operation.ts";
import type { ExitName } from "./exit-codes.ts";
import { Failure, usageFailure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import type { Settings } from "./settings.ts";
import { watchWork } from "./watched-work.ts";

/** Throws `usage` for what the service names no job by. */
export function parseJobId(text: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw usageFailure("a job is named by 32 hexadecimal digits", "see: fleetkey revoke list");
}

export const jobPath = (jobId: string): string => `/revocations/${encodeURIComponent(jobId)}`;

export const showJob = (api: FleetApi, jobId: string): Promise<RevocationJob> =>
  api.call({ method: "GET", path: jobPath(jobId), schema: revocationJob });

const subjectWords = {
  device: "devices",
  operator: "operators",
  server: "servers",
  claim: "claims",
  backend: "backends",
} as const;

/** Whose certificates they are: `312 of devices, 1 of operators`. */
function describeSubjects({ bySubject }: RevocationJob["toRevoke"]): string {
  const kinds = Object.keys(subjectWords) as (keyof typeof subjectWords)[];
  const some = kinds.filter((kind) => bySubject[kind] > 0);
  return some.map((kind) => `${bySubject[kind]} of ${subjectWords[kind]}`).join(", ");
}

function describeCount({ toRevoke, reason, unchanged }: RevocationJob): string {
  const { certificates } = toRevoke;
  const whose = certificates === 0 ? "" : `: ${describeSubjects(toRevoke)}`;
  const rest = unchanged === 0 ? "" : `; ${unchanged} more match, revoked or over already`;
  return `counted: ${certificates} to revoke (${reason})${whose}${rest}`;
}

/** What there is to say of a dry run that found nothing to revoke; undefined when there is something. */
export function nothingToRevoke({
  toRevoke,
  matched,
  criteria,
  firmwareKnown,
}: RevocationJob): string | undefined {
  if (toRevoke.certificates > 0) return undefined;
  if (firmwareKnown === false)
    return `there is nothing to revoke: no device has reported firmware ${criteria.firmware}`;
  if (matched === 0) return "there is nothing to revoke: no certificate matches";
  return `there is nothing to revoke: ${matched} match, all revoked already`;
}

function describe(job: RevocationJob): string {
  const { state, matched, toRevoke, revoked, unchanged, reason, progress } = job;
  const { read, of } = progress;
  switch (state) {
    case "counting":
      return `counting: ${matched} found, ${read} looked at`;
    case "counted":
      return describeCount(job);
    case "revoking":
      return `revoking: ${revoked} revoked, ${read} of ${of ?? "?"} looked at`;
    case "done":
      return `done: ${revoked} revoked (${reason}), ${unchanged} were revoked or over before`;
    case "stopped":
      return `stopped: ${revoked} revoked (${reason}); there were more than the ${toRevoke.certificates} that were approved, count anew`;
    case "cancelled":
      return `cancelled: ${revoked} revoked (${reason})`;
  }
}

/** What it has come to, in a line. */
export const renderJob = (job: RevocationJob): string => `${job.jobId} is ${describe(job)}`;

/**
 * Looks at the job, once a second and with progress, until `isThere`. An interruption leaves the job alone, and the
 * failure says how to follow it.
 */
export function followJob(
  api: FleetApi,
  first: RevocationJob,
  isThere: (job: RevocationJob) => boolean,
  context: Context,
): Promise<RevocationJob> {
  const { jobId } = first;
  const goesOn = `the job goes on without you: fleetkey revoke show ${jobId} --watch follows it, fleetkey revoke cancel ${jobId} stops it`;
  const look = () => showJob(api, jobId);
  return watchWork(first, { look, isThere, describe, goesOn }, context);
}

export const isEnded = ({ state }: RevocationJob): boolean =>
  state === "done" || state === "stopped" || state === "cancelled";
export const isCounted = (job: RevocationJob): boolean => job.state === "counted" || isEnded(job);

interface Execution {
  readonly flags: ApprovalFlags;
  readonly settings: Settings;
}

const isBegun = ({ state }: RevocationJob): boolean =>
  state === "revoking" || state === "done" || state === "stopped";

/** The job once it is approved and begun; undefined under `--no-wait`, as `callCritical`. */
async function begin(
  api: FleetApi,
  { jobId, toRevoke }: RevocationJob,
  { flags, settings }: Execution,
  context: Context,
): Promise<RevocationJob | undefined> {
  const call = {
    operation: "executeRevocation",
    parameters: { jobId },
    method: "POST",
    path: `${jobPath(jobId)}/execution`,
    // What is approved is this very number.
    body: { certificates: toRevoke.certificates },
    schema: revocationJob,
  } as const;
  try {
    return await callCritical(api, call, flags, settings, context);
  } catch (error) {
    // Where the answer to the first attempt was lost, the second finds the job begun, or its approval spent.
    const mayBeBegun = error instanceof Failure && /^(?:job_state_invalid|approval_spent)$/.test(error.code);
    const job = mayBeBegun ? await showJob(api, jobId) : undefined;
    if (job !== undefined && isBegun(job)) return job;
    throw error;
  }
}

/**
 * Asks for the approval, starts the job and follows it to its end; one that is begun already is followed, and where
 * there is nothing to revoke nobody is asked. `pending` under `--no-wait`, as `callCritical`.
 */
export async function executeJob(
  api: FleetApi,
  first: RevocationJob,
  execution: Execution,
  context: Context,
): Promise<ExitName | undefined> {
  const found = await followJob(api, first, (job) => job.state !== "counting", context);
  const nothing = found.state === "counted" ? nothingToRevoke(found) : undefined;
  if (nothing !== undefined) {
    context.output.answer(found, renderJob(found));
    context.output.note(nothing);
    return undefined;
  }
  const job = found.state === "counted" ? await begin(api, found, execution, context) : found;
  if (job === undefined) return "pending";
  return answerEnd(await followJob(api, job, isEnded, context), context);
}

/** A job that somebody cancelled, or that stopped, has not done what was asked for. */
export function answerEnd(job: RevocationJob, { output }: Context): ExitName | undefined {
  output.answer(job, renderJob(job));
  return job.state === "cancelled" || job.state === "stopped" ? "refused" : undefined;
}
