/** Room: cli. `fleetkey revoke device`. */
import { deviceRevocation } from "../../lambdas/http/revocation-answers.ts";
import { defineCommand } from "../command.ts";
import { checkDeviceId } from "../device-enrollment.ts";
import { connectionFlags } from "../global-flags.ts";
import { reasonFlag } from "../reason-flag.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const revokeDevice = defineCommand({
  summary: "Revoke all certificates of one device",
  args: {
    device: { type: "positional", required: true, valueHint: "ID", description: "Device to revoke" },
    ...reasonFlag,
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    checkDeviceId(args.device);
    const settings = resolveSettings(args, terminal.env);
    const path = `/devices/${encodeURIComponent(args.device)}/revocation`;
    const call = { method: "POST", path, body: { reason: args.reason }, schema: deviceRevocation } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { deviceId, revoked, unchanged } = answer;
    output.answer(
      answer,
      `${deviceId}: ${revoked} revoked (${args.reason}), ${unchanged} were revoked before`,
    );
    return undefined;
  },
});
