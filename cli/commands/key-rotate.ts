/** Room: cli. `fleetkey key rotate`: a wrapping key, before it rotates by itself. */
import { dataKeyRotation, keyReport } from "../../lambdas/http/rotation-answers.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags, callCritical } from "../critical-operation.ts";
import { Failure } from "../failure.ts";
import type { FleetApi } from "../fleet-api.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";
import { printable } from "../terminal.ts";

/** Nobody is asked about a key that there is not. */
async function assertKnown(api: FleetApi, name: string): Promise<void> {
  const { keys } = await api.call({ method: "GET", path: "/key-report", schema: keyReport });
  if (keys.some((key) => key.kind === "keyEncryption" && key.name === name)) return;
  throw new Failure("refused", "not_found", "the fleet has no wrapping key of that name; nobody was asked", {
    remedy: "see: fleetkey key report; authorities are replaced by `fleetkey authority rotate ID`",
  });
}

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
    const asked = await withOperatorApi({ settings, terminal }, async (api) => {
      if (args.approval === undefined) await assertKnown(api, args.name);
      return callCritical(api, call, args, settings, context);
    });
    if (asked === undefined) return "pending";
    const { name, askedAt, onDemandRotations, onDemandLimit } = asked;
    const before = `${onDemandRotations} of ${onDemandLimit} times before`;
    output.answer(asked, `${printable(name)}: rotation asked for ${askedAt}; asked for ${before}`);
    output.note("the service does it within minutes; `fleetkey key report` shows that it has");
    return undefined;
  },
});
