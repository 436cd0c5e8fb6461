/** Room: cli. `fleetkey rotation status`. */
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { readStatus, renderStatus } from "../rotation-status.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const rotationStatus = defineCommand({
  summary: "Show what to do next: open tasks, keys that are not ok, rollovers under way with their gates",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const status = await withOperatorApi({ settings, terminal }, readStatus);
    output.answer(status, renderStatus(status));
    if (status.tasks.length === 0) output.note("nothing waits for people");
    return undefined;
  },
});
