/** Room: cli. `fleetkey cert revoke` and `fleetkey cert release`. */
import { holdReason, revocationReasons } from "../../core/revocation/reason.ts";
import { release } from "../../lambdas/http/revocation-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseSerialNumber } from "../serial-number.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const serialArgument = {
  type: "positional",
  required: true,
  description: "Serial number, hexadecimal",
} as const;

export const certRevoke = defineCommand({
  summary: "Revoke a certificate for good, or put it on hold",
  args: {
    serial: serialArgument,
    reason: {
      type: "enum",
      required: true,
      valueHint: "REASON",
      options: [...revocationReasons, holdReason],
      description: `Why; ${holdReason} alone can be taken back`,
    },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const serial = parseSerialNumber(args.serial);
    const settings = resolveSettings(args, terminal.env);
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.revoke(serial, args.reason));
    const { serialNumber, status, revokedAt, reason } = answer;
    output.answer(answer, `${serialNumber} ${status} ${revokedAt} (${reason})`);
    if (status === "held") output.note(`\`fleetkey cert release ${serialNumber}\` ends that`);
    return undefined;
  },
});

export const certRelease = defineCommand({
  summary: "Release a certificate that was put on hold",
  args: { serial: serialArgument, ...connectionFlags },
  async run(args, { terminal, output }) {
    const serial = parseSerialNumber(args.serial);
    const settings = resolveSettings(args, terminal.env);
    const path = `/certificates/${serial}/release`;
    const call = { method: "POST", path, schema: release } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(answer, `${answer.serialNumber} is ${answer.status}`);
    return undefined;
  },
});
