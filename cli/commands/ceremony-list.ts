/** Room: cli. `fleetkey ceremony list` and `fleetkey ceremony show`. */
import { ceremonyPage } from "../../lambdas/http/rotation-answers.ts";
import {
  answerCeremony,
  ceremonyRow,
  followCeremony,
  parseCeremonyId,
  renderCeremony,
  showCeremony,
} from "../ceremony.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { pageFlags, pageQuery } from "../page-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const header = ["CEREMONY", "STATE", "PURPOSE", "OF", "OPENED", "BY", "FAILURE"];

export const ceremonyListCommand = defineCommand({
  summary: "List ceremonies, the newest first",
  args: { ...pageFlags, ...connectionFlags },
  async run(args, { terminal, output }) {
    const query = pageQuery(args);
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: `/ceremonies?${query}`, schema: ceremonyPage } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { ceremonies, cursor } = answer;
    output.answer(answer, ceremonies.length === 0 ? "" : renderTable(header, ceremonies.map(ceremonyRow)));
    if (ceremonies.length === 0) output.note("no ceremonies");
    if (cursor !== undefined) output.note(`there is more: --cursor ${cursor}`);
    return undefined;
  },
});

export const ceremonyShow = defineCommand({
  summary: "Show a ceremony and what became of it",
  args: {
    ceremony: {
      type: "positional",
      required: true,
      valueHint: "CEREMONY",
      description: "Ceremony, as `ceremony list` names it",
    },
    watch: { type: "boolean", description: "Follow it to its end" },
    ...connectionFlags,
  },
  async run(args, context) {
    const { terminal, output } = context;
    const ceremonyId = parseCeremonyId(args.ceremony);
    const settings = resolveSettings(args, terminal.env);
    return withOperatorApi({ settings, terminal }, async (api) => {
      const seen = await showCeremony(api, ceremonyId);
      if (args.watch === true) return answerCeremony(await followCeremony(api, seen, context), context);
      output.answer(seen, renderCeremony(seen));
      return undefined;
    });
  },
});
