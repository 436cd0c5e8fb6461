/** Room: cli. `fleetkey rotation show`, `fleetkey rotation list` and `fleetkey rotation watch`. */
import { type Rollover, rolloverPage } from "../../lambdas/http/rotation-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { pageFlags, pageQuery } from "../page-flags.ts";
import {
  followRollover,
  parseRolloverId,
  renderRollover,
  rolloverArgument,
  showRollover,
  waitsFor,
} from "../rollover.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const header = ["ROLLOVER", "KIND", "STATE", "FROM", "TO", "SINCE", "WAITS FOR"];

const rowOf = (each: Rollover): readonly string[] => [
  each.rolloverId,
  each.emergency ? `${each.kind}, emergency` : each.kind,
  each.state,
  each.from,
  each.to,
  each.enteredAt,
  waitsFor(each),
];

export const rotationShow = defineCommand({
  summary: "Show a rollover, what it waits for and what to do next",
  args: { rollover: rolloverArgument, ...connectionFlags },
  async run(args, { terminal, output }) {
    const rolloverId = parseRolloverId(args.rollover);
    const settings = resolveSettings(args, terminal.env);
    const seen = await withOperatorApi({ settings, terminal }, (api) => showRollover(api, rolloverId));
    output.answer(seen, renderRollover(seen));
    return undefined;
  },
});

export const rotationList = defineCommand({
  summary: "List rollovers, the newest first",
  args: { ...pageFlags, ...connectionFlags },
  async run(args, { terminal, output }) {
    const query = pageQuery(args);
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: `/rollovers?${query}`, schema: rolloverPage } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { rollovers, cursor } = answer;
    output.answer(answer, rollovers.length === 0 ? "" : renderTable(header, rollovers.map(rowOf)));
    if (rollovers.length === 0) output.note("no rollovers");
    if (cursor !== undefined) output.note(`there is more: --cursor ${cursor}`);
    return undefined;
  },
});

export const rotationWatch = defineCommand({
  summary: "Follow a rollover until its successor issues, its predecessor is out, or it was taken back",
  args: { rollover: rolloverArgument, ...connectionFlags },
  async run(args, context) {
    const { terminal, output } = context;
    const rolloverId = parseRolloverId(args.rollover);
    const settings = resolveSettings(args, terminal.env);
    const seen = await withOperatorApi({ settings, terminal }, async (api) =>
      followRollover(api, await showRollover(api, rolloverId), context),
    );
    output.answer(seen, renderRollover(seen));
    return seen.state === "rolledBack" ? "refused" : undefined;
  },
});
