/** Room: cli. `fleetkey reencryption start`, `list`, `show` and `cancel`. */
import { type Reencryption, reencryption, reencryptionPage } from "../../lambdas/http/protection-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { pageFlags, pageQuery } from "../page-flags.ts";
import {
  answerReencryption,
  followReencryption,
  parseReencryptionId,
  reencryptionArgument,
  reencryptionPath,
  renderReencryption,
  showReencryption,
} from "../reencryption.ts";
import { dataRemedyFor } from "../remedies.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const noWait = { type: "boolean", description: "Do not wait until it is done" } as const;

export const reencryptionStart = defineCommand({
  summary: "Move all keys of data under the wrapping key in force, and wait until each was opened again",
  args: { "no-wait": noWait, ...connectionFlags },
  async run(args, context) {
    const settings = resolveSettings(args, context.terminal.env);
    const call = {
      method: "POST",
      path: "/reencryptions",
      schema: reencryption,
      remedyOf: dataRemedyFor,
    } as const;
    return withOperatorApi({ settings, terminal: context.terminal }, async (api) => {
      const started = await api.call(call);
      if (args["no-wait"] === true) return answerReencryption(started, context);
      return answerReencryption(await followReencryption(api, started, context), context);
    });
  },
});

const header = ["RE-ENCRYPTION", "STATE", "MOVED", "UNCHANGED", "VERIFIED", "UNREADABLE", "CREATED", "BY"];

const rowOf = (each: Reencryption): readonly string[] => [
  each.reencryptionId,
  each.state,
  String(each.moved),
  String(each.unchanged),
  String(each.verified),
  String(each.unreadable),
  each.createdAt,
  each.createdBy,
];

export const reencryptionList = defineCommand({
  summary: "List re-encryptions, the newest first",
  args: { ...pageFlags, ...connectionFlags },
  async run(args, { terminal, output }) {
    const query = pageQuery(args);
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: `/reencryptions?${query}`, schema: reencryptionPage } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const { reencryptions: found, cursor } = answer;
    output.answer(answer, found.length === 0 ? "" : renderTable(header, found.map(rowOf)));
    if (found.length === 0) output.note("no re-encryptions");
    if (cursor !== undefined) output.note(`there is more: --cursor ${cursor}`);
    return undefined;
  },
});

export const reencryptionShow = defineCommand({
  summary: "Show a re-encryption and how far it is",
  args: {
    id: reencryptionArgument,
    watch: { type: "boolean", description: "Follow it until it has ended" },
    ...connectionFlags,
  },
  async run(args, context) {
    const id = parseReencryptionId(args.id);
    const settings = resolveSettings(args, context.terminal.env);
    return withOperatorApi({ settings, terminal: context.terminal }, async (api) => {
      const seen = await showReencryption(api, id);
      if (args.watch === true)
        return answerReencryption(await followReencryption(api, seen, context), context);
      context.output.answer(seen, renderReencryption(seen));
      return undefined;
    });
  },
});

export const reencryptionCancel = defineCommand({
  summary: "Stop a re-encryption; what is moved stays so",
  args: { id: reencryptionArgument, ...connectionFlags },
  async run(args, { terminal, output }) {
    const path = `${reencryptionPath(parseReencryptionId(args.id))}/cancellation`;
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "POST", path, schema: reencryption, remedyOf: dataRemedyFor } as const;
    const seen = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(seen, renderReencryption(seen));
    return undefined;
  },
});
