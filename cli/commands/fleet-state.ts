/** Room: cli. `fleetkey fleet suspend` and `fleetkey fleet resume`. */
import { fleetDetails } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags, callCritical } from "../critical-operation.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

function stateCommand(state: "active" | "suspended", summary: string) {
  return defineCommand({
    summary,
    args: { ...approvalFlags, ...connectionFlags },
    async run(args, context) {
      const { terminal, output } = context;
      const settings = resolveSettings(args, terminal.env);
      const call = {
        operation: "setFleetState",
        method: "POST",
        path: "/state",
        body: { state },
        schema: fleetDetails,
      } as const;
      const session = { settings, terminal };
      const answer = await withOperatorApi(session, (api) =>
        callCritical(api, call, args, settings, context),
      );
      if (answer === undefined) return "pending";
      output.answer(answer, `fleet ${answer.fleet} is ${answer.state}`);
      return undefined;
    },
  });
}

export const fleetSuspend = stateCommand(
  "suspended",
  "Suspend the fleet: nothing is issued, no device is let in",
);
export const fleetResume = stateCommand("active", "End the fleet's suspension");
