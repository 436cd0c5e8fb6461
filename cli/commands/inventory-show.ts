/** Room: cli. `fleetkey inventory show`. */
import { inventory } from "../../lambdas/http/distribution-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { countedAt } from "../instant.ts";
import type { AnswerOf } from "../json-text.ts";
import { renderTable } from "../output.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

function rowsOf(counts: AnswerOf<typeof inventory>): readonly (readonly string[])[] {
  const { total, unexpired, revoked, expiring, byProfile, byAuthority, byKeyAlgorithm } = counts;
  const by = (noun: string, of: Readonly<Record<string, number>>) =>
    Object.entries(of).map(([name, count]) => [`${noun} ${name}`, String(count)]);
  return [
    ["issued", String(total)],
    ["unexpired", String(unexpired)],
    ["revoked", String(revoked)],
    ...expiring.map(({ days, certificates }) => [`end within ${days} d`, String(certificates)]),
    ...by("profile", byProfile),
    ...by("authority", byAuthority),
    ...by("key", byKeyAlgorithm),
  ];
}

export const inventoryShow = defineCommand({
  summary: "Count the fleet's certificates",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: "/inventory", schema: inventory } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(answer, renderTable(["CERTIFICATES", "COUNT"], rowsOf(answer)));
    output.note(countedAt(answer.asOf));
    return undefined;
  },
});
