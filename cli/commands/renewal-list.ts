/** Room: cli. `fleetkey renewal list` and `fleetkey renewal end`. */
import { type RenewalWindow, renewalWindow, renewalWindowList } from "../../lambdas/http/renewal-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { parseDrawnId } from "../page-flags.ts";
import { renderWindow } from "../renewal-window.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const header = ["WINDOW", "FROM", "UNTIL", "AUTHORITY", "ISSUED BEFORE", "REASON", "BY"];

const rowOf = (each: RenewalWindow): readonly string[] => [
  each.windowId,
  each.from,
  each.until,
  each.authorityId ?? "any",
  each.issuedBefore,
  each.reason,
  each.createdBy,
];

export const renewalList = defineCommand({
  summary: "List windows into which renewals were pulled",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: "/renewal-windows", schema: renewalWindowList } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { windows } = answer;
    output.answer(answer, windows.length === 0 ? "" : renderTable(header, windows.map(rowOf)));
    if (windows.length === 0) output.note("no windows: devices renew at their own time");
    return undefined;
  },
});

export const renewalEnd = defineCommand({
  summary: "End a window: devices renew at their own time again",
  args: {
    window: {
      type: "positional",
      required: true,
      valueHint: "WINDOW",
      description: "Window, as `renewal list` names it",
    },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const windowId = parseDrawnId("a window", args.window, "renewal list");
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "DELETE", path: `/renewal-windows/${windowId}`, schema: renewalWindow } as const;
    const window = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(window, `ended: ${renderWindow(window)}`);
    return undefined;
  },
});
