/** Room: cli. `fleetkey request approve` and `fleetkey request deny`. */
import { enrollmentRequest } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

function decisionCommand(decision: "approve" | "deny", summary: string) {
  return defineCommand({
    summary,
    args: {
      request: {
        type: "positional",
        required: true,
        valueHint: "ID",
        description: "Request, as `request list` shows it",
      },
      ...connectionFlags,
    },
    async run(args, { terminal, output }) {
      const settings = resolveSettings(args, terminal.env);
      const path = `/enrollment-requests/${encodeURIComponent(args.request)}/decision`;
      const call = { method: "POST", path, body: { decision }, schema: enrollmentRequest } as const;
      const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
      output.answer(answer, `request of ${answer.deviceId} is ${answer.state}`);
      return undefined;
    },
  });
}

export const requestApprove = decisionCommand(
  "approve",
  "Approve an enrolment request; compare the key's digest first",
);
export const requestDeny = decisionCommand("deny", "Deny an enrolment request");
