/** Room: cli. `fleetkey renewal pull`. */
import { renewalWindow } from "../../lambdas/http/renewal-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { instantOf, parseInstant } from "../instant.ts";
import { renderWindow } from "../renewal-window.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const renewalPull = defineCommand({
  summary: "Ask devices to renew sooner, each at a time of its own in a window",
  args: {
    from: {
      type: "string",
      required: true,
      valueHint: "TIME",
      description: "Begin of the window; 2026-03-01, or 2026-03-01T12:00:00Z",
    },
    until: { type: "string", required: true, valueHint: "TIME", description: "Its end" },
    authority: {
      type: "string",
      valueHint: "ID",
      description: "Certificates that this authority issued; all if not given",
    },
    "issued-before": {
      type: "string",
      valueHint: "TIME",
      description: "Certificates issued before; now if not given",
    },
    reason: {
      type: "enum",
      required: true,
      options: [...renewalWindow.shape.reason.options],
      valueHint: "REASON",
      description: "Why; one of",
    },
    "explanation-url": {
      type: "string",
      valueHint: "URL",
      description: "https address of a page about it, which anybody may read",
    },
    emergency: { type: "boolean", description: "Permits a window shorter than a week" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const { authority, reason, emergency, "explanation-url": explanationUrl } = args;
    const body = {
      ...(authority === undefined ? {} : { authorityId: authority }),
      ...instantOf("issuedBefore", "--issued-before", args["issued-before"]),
      from: parseInstant("--from", args.from),
      until: parseInstant("--until", args.until),
      reason,
      ...(explanationUrl === undefined ? {} : { explanationUrl }),
      ...(emergency === true ? { emergency } : {}),
    };
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "POST", path: "/renewal-windows", body, schema: renewalWindow } as const;
    const window = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(window, renderWindow(window));
    output.note(`\`fleetkey renewal end ${window.windowId}\` ends that`);
    return undefined;
  },
});
