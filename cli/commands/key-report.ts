/** Room: cli. `fleetkey key report`. */
import { type KeyReport, keyReport } from "../../lambdas/http/rotation-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { countedAt } from "../instant.ts";
import { renderKeys } from "../key-table.ts";
import { renderTable } from "../output.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const header = ["PROFILE", "DAYS AT MOST", "UNEXPIRED", "FIRST ENDS"];

const rowOf = (each: KeyReport["certificates"][number]): readonly string[] => [
  each.profile,
  String(each.cryptoperiodDays),
  String(each.unexpired),
  each.firstEndsOn ?? "",
];

export const keyReportCommand = defineCommand({
  summary: "Show every key: age, cryptoperiod, state, next action",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: "/key-report", schema: keyReport } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { keys, certificates, conditionsAsOf, certificatesAsOf } = answer;
    const held = renderTable(header, certificates.map(rowOf));
    output.answer(answer, `${renderKeys(keys)}\n\n${held}`);
    const seen = conditionsAsOf === undefined ? "not asked for yet" : `as of ${conditionsAsOf}`;
    output.note(`conditions: ${seen}; certificates: ${countedAt(certificatesAsOf)}`);
    return undefined;
  },
});
