/** Room: cli. `fleetkey fleet show`: the fleet and its configuration, as a file that `fleet configure` takes. */
import { fleetDetails } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const fleetShow = defineCommand({
  summary: "Show the fleet; its configuration goes to stdout",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: "", schema: fleetDetails } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { fleet, state, trustDomain, configurationVersion, configuration } = answer;
    output.note(
      `fleet ${fleet} is ${state}; trust domain ${trustDomain}; configuration ${configurationVersion}`,
    );
    output.answer(answer, JSON.stringify(configuration, null, 2));
    return undefined;
  },
});
