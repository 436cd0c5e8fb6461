/** Room: cli. `fleetkey device suspend`, `release` and `retire`. */
import { device } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { checkDeviceId } from "../device-enrollment.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

function stateCommand(state: "active" | "suspended" | "retired", summary: string) {
  return defineCommand({
    summary,
    args: {
      device: { type: "positional", required: true, valueHint: "ID", description: "Device to change" },
      ...connectionFlags,
    },
    async run(args, { terminal, output }) {
      checkDeviceId(args.device);
      const settings = resolveSettings(args, terminal.env);
      const path = `/devices/${encodeURIComponent(args.device)}/state`;
      const call = { method: "POST", path, body: { state }, schema: device } as const;
      const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
      output.answer(answer, `${answer.deviceId} is ${answer.state}`);
      return undefined;
    },
  });
}

export const deviceSuspend = stateCommand(
  "suspended",
  "Suspend a device: it gets in nowhere until it is released",
);
export const deviceRelease = stateCommand("active", "End a device's suspension or quarantine");
export const deviceRetire = stateCommand("retired", "Retire a device for good");
