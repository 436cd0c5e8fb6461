/** Room: cli. `fleetkey ceremony open`. */
import { type Ceremony, ceremony, ceremonyPage } from "../../lambdas/http/rotation-answers.ts";
import { answerCeremony, followCeremony, renderCeremony } from "../ceremony.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags, callCritical, orElse } from "../critical-operation.ts";
import { usageFailure } from "../failure.ts";
import type { FleetApi } from "../fleet-api.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseRolloverId } from "../rollover.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

interface Wanted {
  readonly purpose: string;
  readonly rolloverId?: string;
}

/** The newest for the same, where the answer to the first attempt was lost and the second finds its approval spent. */
async function findOpened(api: FleetApi, { purpose, rolloverId }: Wanted): Promise<Ceremony | undefined> {
  const call = { method: "GET", path: "/ceremonies?limit=10", schema: ceremonyPage } as const;
  const { ceremonies } = await api.call(call);
  return ceremonies.find((each) => each.purpose === purpose && each.rolloverId === rolloverId);
}

function bodyOf(purpose: string, rollover: string | undefined): Wanted {
  if ((purpose === "rollover") !== (rollover !== undefined))
    throw usageFailure("--rollover ID goes with --purpose rollover, and with that alone");
  return rollover === undefined ? { purpose } : { purpose, rolloverId: parseRolloverId(rollover) };
}

export const ceremonyOpen = defineCommand({
  summary: "Have the roots lent to sign for an hour at most, and wait until all is signed",
  args: {
    purpose: {
      type: "enum",
      required: true,
      options: [...ceremony.shape.purpose.options],
      valueHint: "PURPOSE",
      description: "What they sign; one of",
    },
    rollover: { type: "string", valueHint: "ID", description: "Rollover whose successor is certified" },
    approval: approvalFlags.approval,
    "no-wait": {
      type: "boolean",
      description: "Wait neither for people (status 6, the approval's id) nor for the ceremony's end",
    },
    ...connectionFlags,
  },
  async run(args, context) {
    const body = bodyOf(args.purpose, args.rollover);
    const settings = resolveSettings(args, context.terminal.env);
    const call = {
      operation: "openCeremony",
      method: "POST",
      path: "/ceremonies",
      body,
      schema: ceremony,
    } as const;
    return withOperatorApi({ settings, terminal: context.terminal }, async (api) => {
      const opened = await orElse(callCritical(api, call, args, settings, context), () =>
        findOpened(api, body),
      );
      if (opened === undefined) return "pending";
      if (args["no-wait"] === true) return answerCeremony(opened, context);
      context.output.note(renderCeremony(opened));
      return answerCeremony(await followCeremony(api, opened, context), context);
    });
  },
});
