/** Room: cli. `fleetkey rotation plan`. */
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { assertPlanning, planningFlags, planRollover } from "../rollover-planning.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const rotationPlan = defineCommand({
  summary:
    "Show what replacing an authority would do, and to how many; then ask for the approval and plan it",
  args: {
    kind: {
      type: "enum",
      required: true,
      options: ["root", "issuing"],
      valueHint: "KIND",
      description: "Which authority is replaced: the root in use, or the one that issues",
    },
    ...planningFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const { kind } = args;
    assertPlanning(args, kind);
    const settings = resolveSettings(args, context.terminal.env);
    return withOperatorApi({ settings, terminal: context.terminal }, (api) =>
      planRollover(api, { kind, flags: args, settings }, context),
    );
  },
});
