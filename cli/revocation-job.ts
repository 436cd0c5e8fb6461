/**
 * Room: cli. Bulk revocations: the service does the work, and goes on whether or not anybody watches. Here they are
 * looked at until they have come as far as is wanted.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type RevocationJob, revocationJob } from "../lambdas/http/revocation-answers.ts";
import type { Context } from "./command.ts";
import { type ApprovalFlags, callCritical } from "./critical-operation.ts";
import type { ExitName } from "./exit-codes.ts";
import { Failure, usageFailure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { abandonable } from "./interruption.ts";
import { createWatch } from "./progress.ts";
import type { Settings } from "./settings.ts";

const pollMilliseconds = 1_000;

/** Throws `usage` for what the service names no job by. */
export function parseJobId(text: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw usageFailure("a job is named by 32 hexadecimal digits", "see: fleetkey revoke list");
}

export const jobPath = (jobId: string): string => `/revocations/${encodeURIComponent(jobId)}`;

export const showJob = (api: FleetApi, jobId: string): Promise<RevocationJob> =>
  api.call({ method: "GET", path: jobPath(jobId), schema: revocationJob });

/** What it has come to, in a line. */
export function renderJob({
  jobId,
  state,
  matched,
  revoked,
  unchanged,
  reason,
  progress,
}: RevocationJob): string {
  const { read, of } = progress;
  switch (state) {
    case "counting":
      return `${jobId} is counting: ${matched} found, ${read} looked at`;
    case "counted":
      return `${jobId} is counted: ${matched} to revoke (${reason})`;
    case "revoking":
      return `${jobId} is revoking: ${revoked} revoked, ${read} of ${of ?? "?"} looked at`;
    case "done":
      return `${jobId} is done: ${revoked} revoked (${reason}), ${unchanged} were revoked or over before`;
    case "cancelled":
      return `${jobId} is cancelled: ${revoked} revoked (${reason})`;
  }
}

/** The service goes on with it, though nobody watches any more. */
function stillRunning(error: unknown, jobId: string): unknown {
  if (!(error instanceof Failure)) return error;
  if (error.exit !== "interrupted" && error.transience === undefined) return error;
  const { exit, code, message, cause } = error;
  const remedy = `the job goes on without you: fleetkey revoke show ${jobId} --watch follows it, fleetkey revoke cancel ${jobId} stops it`;
  return new Failure(exit, code, message, { remedy, cause });
}

/**
 * Looks at the job, once a second and with progress, until `isThere`. An interruption leaves the job alone, and the
 * failure says how to follow it.
 */
export async function followJob(
  api: FleetApi,
  first: RevocationJob,
  isThere: (job: RevocationJob) => boolean,
  { terminal }: Context,
): Promise<RevocationJob> {
  const watch = createWatch(terminal);
  let job = first;
  try {
    while (!isThere(job)) {
      watch.see(renderJob(job));
      await abandonable(pause(pollMilliseconds), terminal.interrupted);
      job = await showJob(api, job.jobId);
    }
    return job;
  } catch (error) {
    throw stillRunning(error, first.jobId);
  } finally {
    watch.end();
  }
}

export const isEnded = ({ state }: RevocationJob): boolean => state === "done" || state === "cancelled";
export const isCounted = (job: RevocationJob): boolean => job.state === "counted" || isEnded(job);

/** Asks for the approval, starts the job and follows it to its end. `pending` under `--no-wait`, as `callCritical`. */
export async function executeJob(
  api: FleetApi,
  jobId: string,
  { flags, settings }: { readonly flags: ApprovalFlags; readonly settings: Settings },
  context: Context,
): Promise<ExitName | undefined> {
  const call = {
    operation: "executeRevocation",
    parameters: { jobId },
    method: "POST",
    path: `${jobPath(jobId)}/execution`,
    body: {},
    schema: revocationJob,
  } as const;
  const started = await callCritical(api, call, flags, settings, context);
  if (started === undefined) return "pending";
  return answerEnd(await followJob(api, started, isEnded, context), context);
}

/** A job that somebody cancelled has not done what was asked for. */
export function answerEnd(job: RevocationJob, { output }: Context): ExitName | undefined {
  output.answer(job, renderJob(job));
  return job.state === "cancelled" ? "refused" : undefined;
}
