/** Room: cli. `fleetkey revoke own`: a device takes trust back from its own certificate. */
import { ownReasons } from "../../core/revocation/reason.ts";
import { revocation } from "../../lambdas/http/revocation-answers.ts";
import { defineCommand } from "../command.ts";
import { withDeviceApi } from "../device-session.ts";
import { publicFlags } from "../global-flags.ts";
import { parseSerialNumber } from "../serial-number.ts";

export const revokeOwn = defineCommand({
  summary: "Revoke a device's own certificate, by that certificate",
  args: {
    dir: {
      type: "string",
      required: true,
      valueHint: "DIR",
      description: "Directory that `device enroll` wrote",
    },
    reason: {
      type: "enum",
      options: [...ownReasons],
      valueHint: "REASON",
      default: "unspecified",
      description: "Why",
    },
    serial: {
      type: "string",
      valueHint: "HEX",
      description: "Another certificate of the same device, instead of the one that is shown",
    },
    ...publicFlags,
  },
  async run(args, { terminal, output }) {
    const { dir, reason, serial } = args;
    const other = serial === undefined ? {} : { serialNumber: parseSerialNumber(serial) };
    const body = { reason, ...other };
    const call = { method: "POST", path: "/device/revocation", body, schema: revocation } as const;
    const answer = await withDeviceApi(dir, args, terminal, ({ api }) => api.call(call));
    output.answer(answer, `${answer.serialNumber} ${answer.status} ${answer.revokedAt} (${answer.reason})`);
    return undefined;
  },
});
