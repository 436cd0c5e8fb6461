/** Room: cli. `fleetkey key destroy` and `fleetkey key keep`. */
import type { Rollover } from "../../lambdas/http/rotation-answers.ts";
import { type Context, defineCommand } from "../command.ts";
import { type ApprovalFlags, approvalFlags } from "../critical-operation.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseRolloverId, rolloverArgument } from "../rollover.ts";
import { decideRollover, outOfState, type RolloverMove } from "../rollover-move.ts";
import { resolveSettings, type SettingFlags } from "../settings.ts";

const destructionArgs = {
  rollover: rolloverArgument,
  authority: {
    type: "string",
    required: true,
    valueHint: "ID",
    description: "The authority whose key it is about: the rollover's predecessor",
  },
  ...approvalFlags,
  ...connectionFlags,
} as const;

interface DestructionFlags extends ApprovalFlags, SettingFlags {
  readonly rollover: string;
  readonly authority: string;
}

/** The body of both; throws a Failure for another authority than the rollover's. */
function bodyOf({ from, rolloverId }: Rollover, authorityId: string): object {
  if (from === authorityId) return { authorityId };
  throw outOfState(`the rollover is about the key of ${from}, not of that authority`, rolloverId);
}

function decide(args: DestructionFlags, move: RolloverMove, context: Context) {
  const rolloverId = parseRolloverId(args.rollover);
  const settings = resolveSettings(args, context.terminal.env);
  return decideRollover(move, { rolloverId, flags: args, settings }, context);
}

const isDecided = ({ destructionApprovedAt }: Rollover): boolean => destructionApprovedAt !== undefined;

export const keyDestroy = defineCommand({
  summary: "Have the key of a retired authority destroyed, after thirty days",
  args: destructionArgs,
  async run(args, context) {
    const { authority } = args;
    const move: RolloverMove = {
      operation: "destroyAuthorityKey",
      path: "/destruction",
      bodyFor(seen, isApproved) {
        const body = bodyOf(seen, authority);
        const { state, rolloverId } = seen;
        if (!isApproved && (state !== "retired" || isDecided(seen)))
          throw outOfState(
            `the rollover is ${state}${isDecided(seen) ? ", and its key's destruction decided" : ", not retired"}; nobody was asked`,
            rolloverId,
          );
        return body;
      },
      isDone: isDecided,
      note: ({ rolloverId }) =>
        `the service asks for it within minutes; until the key is gone: fleetkey key keep ${rolloverId} --authority ${authority}`,
    };
    return decide(args, move, context);
  },
});

export const keyKeep = defineCommand({
  summary: "Keep a key that is on its way to destruction; its authority stays retired",
  args: destructionArgs,
  async run(args, context) {
    const { authority } = args;
    const move: RolloverMove = {
      operation: "cancelKeyDestruction",
      path: "/destruction/cancellation",
      bodyFor(seen, isApproved) {
        const body = bodyOf(seen, authority);
        if (isApproved || isDecided(seen)) return body;
        throw outOfState(
          "nobody has decided to destroy that key; there is nothing to call off, and nobody was asked",
          seen.rolloverId,
        );
      },
      isDone: (seen) => !isDecided(seen),
    };
    return decide(args, move, context);
  },
});
