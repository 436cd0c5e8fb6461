/** Room: cli. `fleetkey cert revoke`. */
import { revocationReasons } from "../../lambdas/http/revocation-schemas.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseSerialNumber } from "../serial-number.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const certRevoke = defineCommand({
  summary: "Revoke a certificate for good",
  args: {
    serial: { type: "positional", required: true, description: "Serial number, hexadecimal" },
    reason: {
      type: "enum",
      required: true,
      valueHint: "REASON",
      options: [...revocationReasons],
      description: "Why",
    },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const serial = parseSerialNumber(args.serial);
    const settings = resolveSettings(args, terminal.env);
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.revoke(serial, args.reason));
    output.answer(answer, `${answer.serialNumber} revoked ${answer.revokedAt} (${answer.reason})`);
    return undefined;
  },
});
