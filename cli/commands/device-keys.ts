/** Room: cli. `fleetkey device keys`: what a backend verifies a device's signatures with. */
import { deviceKeyPage } from "../../lambdas/http/distribution-answers.ts";
import { defineCommand } from "../command.ts";
import { checkDeviceId } from "../device-enrollment.ts";
import { type FleetApi, queryOf } from "../fleet-api.ts";
import { connectionFlags } from "../global-flags.ts";
import type { AnswerOf } from "../json-text.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

type DeviceKeys = AnswerOf<typeof deviceKeyPage>;

async function collectKeys(api: FleetApi, device: string): Promise<DeviceKeys> {
  const path = `/devices/${encodeURIComponent(device)}/keys`;
  const keys: DeviceKeys["keys"] = [];
  let cursor: string | undefined;
  for (;;) {
    const query = queryOf({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    const page = await api.call({ method: "GET", path: `${path}?${query}`, schema: deviceKeyPage });
    keys.push(...page.keys);
    cursor = page.cursor;
    if (cursor === undefined) return { deviceId: page.deviceId, keys };
  }
}

export const deviceKeys = defineCommand({
  summary: "Show the public keys of a device as JWKs, present and past",
  args: {
    device: { type: "positional", required: true, valueHint: "ID", description: "Device to show" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    checkDeviceId(args.device);
    const settings = resolveSettings(args, terminal.env);
    const answer = await withOperatorApi({ settings, terminal }, (api) => collectKeys(api, args.device));
    output.answer(answer, JSON.stringify(answer, null, 2));
    if (answer.keys.length === 0) output.note("no keys");
    return undefined;
  },
});
