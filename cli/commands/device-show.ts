/** Room: cli. `fleetkey device show`. */
import { device } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { checkDeviceId } from "../device-enrollment.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const deviceShow = defineCommand({
  summary: "Show one device, its state and its newest certificate",
  args: {
    device: { type: "positional", required: true, valueHint: "ID", description: "Device to show" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    checkDeviceId(args.device);
    const settings = resolveSettings(args, terminal.env);
    const call = {
      method: "GET",
      path: `/devices/${encodeURIComponent(args.device)}`,
      schema: device,
    } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const certificate = answer.currentCertificate;
    const lines = [
      `${answer.deviceId} is ${answer.state}`,
      ...(certificate === undefined
        ? []
        : [`serial ${certificate.serialNumber}, until ${certificate.notAfter}`]),
    ];
    output.answer(answer, lines.join("\n"));
    return undefined;
  },
});
