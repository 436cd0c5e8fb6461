/** Room: cli. `fleetkey trust adoption`. */
import { trustAdoption as adoption } from "../../lambdas/http/distribution-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { countedAt } from "../instant.ts";
import { renderTable } from "../output.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const trustAdoption = defineCommand({
  summary: "Count the devices that have adopted each version of the trust manifest",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: "/trust/adoption", schema: adoption } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const rows = answer.versions.map((each) =>
      [each.version, each.devices, each.pipelines].map((count) => String(count)),
    );
    output.answer(answer, rows.length === 0 ? "" : renderTable(["VERSION", "DEVICES", "PIPELINES"], rows));
    const { version, devices, pipelines, asOf } = answer;
    output.note(
      `the newest version is ${version}; ${devices} devices, ${pipelines} pipelines; ${countedAt(asOf)}`,
    );
    return undefined;
  },
});
