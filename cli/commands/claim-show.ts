/** Room: cli. `fleetkey claim show`. */
import { claim } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const claimShow = defineCommand({
  summary: "Show a claim and how much of its quota is used",
  args: {
    claim: { type: "positional", required: true, valueHint: "ID", description: "Claim to show" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: `/claims/${encodeURIComponent(args.claim)}`, schema: claim } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { claimId, used, quota, status, notAfter } = answer;
    output.answer(answer, `${claimId} is ${status}: ${used} of ${quota} used, until ${notAfter}`);
    return undefined;
  },
});
