/** Room: cli. `fleetkey operator list`. */
import { operatorList } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const operatorListCommand = defineCommand({
  summary: "List the fleet's operators",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: "/operators", schema: operatorList } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const rows = answer.operators.map((each) => [
      each.operatorId,
      each.state,
      each.roles.join(","),
      String(each.passkeys),
      each.createdAt,
    ]);
    output.answer(answer, renderTable(["OPERATOR", "STATE", "ROLES", "PASSKEYS", "SINCE"], rows));
    return undefined;
  },
});
