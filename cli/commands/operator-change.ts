/** Room: cli. `fleetkey operator change`. */
import { operator } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags, callCritical } from "../critical-operation.ts";
import { usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseRoles } from "../roles.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const operatorChange = defineCommand({
  summary: "Change an operator's roles, suspend or reinstate it",
  args: {
    operator: { type: "positional", required: true, valueHint: "ID", description: "Operator to change" },
    roles: { type: "string", valueHint: "ROLE,…", description: "All roles that it is to have" },
    state: {
      type: "enum",
      options: ["active", "suspended"],
      valueHint: "STATE",
      description: "State it is to have",
    },
    ...approvalFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const settings = resolveSettings(args, context.terminal.env);
    const { operator: operatorId, roles, state } = args;
    if (roles === undefined && state === undefined) throw usageFailure("give --roles, --state, or both");
    const body = {
      ...(roles === undefined ? {} : { roles: parseRoles(roles) }),
      ...(state === undefined ? {} : { state }),
    };
    const call = {
      operation: "changeOperator",
      parameters: { operatorId },
      method: "POST",
      path: `/operators/${encodeURIComponent(operatorId)}`,
      body,
      schema: operator,
    } as const;
    const session = { settings, terminal: context.terminal };
    const answer = await withOperatorApi(session, (api) => callCritical(api, call, args, settings, context));
    if (answer === undefined) return "pending";
    context.output.answer(answer, `${answer.operatorId} is ${answer.state}: ${answer.roles.join(", ")}`);
    return undefined;
  },
});
