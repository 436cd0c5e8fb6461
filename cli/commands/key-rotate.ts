/** Room: cli. `fleetkey key rotate`: a wrapping key, before it rotates by itself. */
import { dataKeyRotation } from "../../lambdas/http/rotation-answers.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags, callCritical } from "../critical-operation.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";
import { printable } from "../terminal.ts";

export const keyRotate = defineCommand({
  summary: "Have a wrapping key rotated before its time; authorities: `rotation plan`",
  args: {
    name: {
      type: "positional",
      required: true,
      valueHint: "NAME",
      description: "Wrapping key, as `key report` names it",
    },
    ...approvalFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const { output, terminal } = context;
    const settings = resolveSettings(args, terminal.env);
    const call = {
      operation: "rotateDataKey",
      method: "POST",
      path: "/data-key-rotations",
      body: { name: args.name },
      schema: dataKeyRotation,
    } as const;
    const asked = await withOperatorApi({ settings, terminal }, (api) =>
      callCritical(api, call, args, settings, context),
    );
    if (asked === undefined) return "pending";
    const { name, askedAt, onDemandRotations, onDemandLimit } = asked;
    const before = `${onDemandRotations} of ${onDemandLimit} times before`;
    output.answer(asked, `${printable(name)}: rotation asked for ${askedAt}; asked for ${before}`);
    output.note("the service does it within minutes; `fleetkey key report` shows that it has");
    return undefined;
  },
});
