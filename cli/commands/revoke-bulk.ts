/** Room: cli. `fleetkey revoke bulk` and `fleetkey revoke execute`. */
import { revocationJob } from "../../lambdas/http/revocation-answers.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags } from "../critical-operation.ts";
import { usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { instantOf } from "../instant.ts";
import { reasonFlag } from "../reason-flag.ts";
import {
  executeJob,
  followJob,
  isCounted,
  nothingToRevoke,
  parseJobId,
  renderJob,
  showJob,
} from "../revocation-job.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const criteriaFlags = {
  authority: { type: "string", valueHint: "ID", description: "Those that this authority issued" },
  claim: { type: "string", valueHint: "ID", description: "Those that this production batch enrolled" },
  firmware: { type: "string", valueHint: "LABEL", description: "Those of devices that last reported it" },
  profile: { type: "string", valueHint: "ID", description: "Those of this profile" },
  "issued-from": {
    type: "string",
    valueHint: "TIME",
    description: "Those issued then or later; 2026-03-01, or 2026-03-01T12:00:00Z",
  },
  "issued-to": { type: "string", valueHint: "TIME", description: "Those issued then or before" },
} as const;

type CriteriaFlags = { readonly [flag in keyof typeof criteriaFlags]?: string | undefined };

function criteriaOf({ authority, claim, firmware, profile, ...times }: CriteriaFlags): object {
  const criteria = {
    ...(authority === undefined ? {} : { authorityId: authority }),
    ...(claim === undefined ? {} : { claimId: claim }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(profile === undefined ? {} : { profile }),
    ...instantOf("issuedFrom", "--issued-from", times["issued-from"]),
    ...instantOf("issuedTo", "--issued-to", times["issued-to"]),
  };
  if (Object.keys(criteria).length > 0) return criteria;
  const names = Object.keys(criteriaFlags).map((name) => `--${name}`);
  throw usageFailure(`say which certificates: at least one of ${names.join(", ")}`);
}

export const revokeBulk = defineCommand({
  summary: "Count what would be revoked, a dry run; with --execute also revoke it",
  args: {
    ...criteriaFlags,
    ...reasonFlag,
    execute: { type: "boolean", description: "Then ask for the approval and revoke what was counted" },
    "no-wait": approvalFlags["no-wait"],
    ...connectionFlags,
  },
  async run(args, context) {
    const { terminal, output } = context;
    const settings = resolveSettings(args, terminal.env);
    const body = { criteria: criteriaOf(args), reason: args.reason };
    if (args["no-wait"] === true && args.execute !== true)
      throw usageFailure("--no-wait goes with --execute: a dry run needs no approval");
    const preview = { method: "POST", path: "/revocations", body, schema: revocationJob } as const;
    return withOperatorApi({ settings, terminal }, async (api) => {
      const counted = await followJob(api, await api.call(preview), isCounted, context);
      const next = `fleetkey revoke execute ${counted.jobId}`;
      const nothing = nothingToRevoke(counted);
      if (args.execute !== true || nothing !== undefined) {
        output.answer(counted, renderJob(counted));
        output.note(nothing ?? `nothing is revoked yet; within a day, \`${next}\` revokes them`);
        return undefined;
      }
      output.note(`${renderJob(counted)}; interrupted from here on, \`${next}\` goes on`);
      const flags = { "no-wait": args["no-wait"] };
      return executeJob(api, counted, { flags, settings }, context);
    });
  },
});

export const revokeExecute = defineCommand({
  summary: "Revoke what a dry run has counted, and follow it to its end",
  args: {
    job: {
      type: "positional",
      required: true,
      valueHint: "JOB",
      description: "Job that `revoke bulk` counted",
    },
    ...approvalFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const jobId = parseJobId(args.job);
    const settings = resolveSettings(args, context.terminal.env);
    const session = { settings, terminal: context.terminal };
    return withOperatorApi(session, async (api) =>
      executeJob(api, await showJob(api, jobId), { flags: args, settings }, context),
    );
  },
});
