/** Room: cli. `fleetkey revoke list`, `fleetkey revoke show` and `fleetkey revoke cancel`. */
import {
  type RevocationJob,
  revocationJob,
  revocationJobPage,
} from "../../lambdas/http/revocation-answers.ts";
import { defineCommand, parseWholeNumber } from "../command.ts";
import { queryOf } from "../fleet-api.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import {
  answerEnd,
  followJob,
  isCounted,
  jobPath,
  parseJobId,
  renderJob,
  showJob,
} from "../revocation-job.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const jobArgument = {
  type: "positional",
  required: true,
  valueHint: "JOB",
  description: "Job, as `revoke bulk` and `revoke list` name it",
} as const;

const header = ["JOB", "STATE", "TO REVOKE", "REVOKED", "REASON", "CREATED", "BY"];

const rowOf = (job: RevocationJob): readonly string[] => [
  job.jobId,
  job.state,
  String(job.toRevoke.certificates),
  String(job.revoked),
  job.reason,
  job.createdAt,
  job.createdBy,
];

export const revokeList = defineCommand({
  summary: "List bulk revocations, the newest first",
  args: {
    limit: { type: "string", valueHint: "N", default: "100", description: "How many at most" },
    cursor: { type: "string", valueHint: "CURSOR", description: "Where an earlier list stopped" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const limit = parseWholeNumber("--limit", args.limit, 1, 1_000);
    const settings = resolveSettings(args, terminal.env);
    const query = queryOf({ limit, ...(args.cursor === undefined ? {} : { cursor: args.cursor }) });
    const call = { method: "GET", path: `/revocations?${query}`, schema: revocationJobPage } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { revocations, cursor } = answer;
    output.answer(answer, revocations.length === 0 ? "" : renderTable(header, revocations.map(rowOf)));
    if (revocations.length === 0) output.note("no bulk revocations");
    if (cursor !== undefined) output.note(`there is more: --cursor ${cursor}`);
    return undefined;
  },
});

export const revokeShow = defineCommand({
  summary: "Show a bulk revocation and how far it is",
  args: {
    job: jobArgument,
    watch: { type: "boolean", description: "Follow it until it has counted, or has ended" },
    ...connectionFlags,
  },
  async run(args, context) {
    const { terminal, output } = context;
    const jobId = parseJobId(args.job);
    const settings = resolveSettings(args, terminal.env);
    return withOperatorApi({ settings, terminal }, async (api) => {
      const job = await showJob(api, jobId);
      if (args.watch !== true) {
        output.answer(job, renderJob(job));
        return undefined;
      }
      return answerEnd(await followJob(api, job, isCounted, context), context);
    });
  },
});

export const revokeCancel = defineCommand({
  summary: "Stop a bulk revocation; what is revoked stays so",
  args: { job: jobArgument, ...connectionFlags },
  async run(args, { terminal, output }) {
    const jobId = parseJobId(args.job);
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "POST", path: `${jobPath(jobId)}/cancellation`, schema: revocationJob } as const;
    const job = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(job, renderJob(job));
    return undefined;
  },
});
