/** Room: cli. `fleetkey rotation advance` and `fleetkey rotation rollback`. */
import type { Rollover } from "../../lambdas/http/rotation-answers.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags } from "../critical-operation.ts";
import { Failure, usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { remedyFor } from "../remedies.ts";
import { closedGates, parseRolloverId, rolloverArgument } from "../rollover.ts";
import { decideRollover, outOfState } from "../rollover-move.ts";
import { resolveSettings } from "../settings.ts";

const states = ["active", "draining", "retired"] as const;
type Target = (typeof states)[number];

/** What waits for people is what they are asked for here. */
const waitsForPeopleAlone = ({ next }: Rollover): boolean =>
  (next?.gates ?? []).every(({ gate, holds }) => holds || gate === "approval");

/** In an emergency people end the draining before its time: the service has gates of its own for that. */
const cutsShort = (emergency: boolean, { state }: Rollover, to: Target): boolean =>
  emergency && to === "retired" && (state === "active" || state === "draining");

/** Nobody is asked for what the service would refuse. */
function assertMayAdvance(seen: Rollover, to: Target, emergency: boolean): void {
  if (cutsShort(emergency || seen.emergency, seen, to)) return;
  const { state, next, rolloverId } = seen;
  if (next?.state !== to)
    throw outOfState(
      `the rollover is ${state}, and ${next?.state ?? "nothing"} follows, not ${to}; nobody was asked`,
      rolloverId,
    );
  if (waitsForPeopleAlone(seen)) return;
  throw new Failure(
    "refused",
    "rollover_gate_closed",
    `the rollover waits for: ${closedGates(seen).join("; ")}; nobody was asked`,
    { remedy: remedyFor("rollover_gate_closed") },
  );
}

export const rotationAdvance = defineCommand({
  summary: "Move a rollover on before the service does by itself, if its gates hold",
  args: {
    rollover: rolloverArgument,
    to: {
      type: "enum",
      required: true,
      options: [...states],
      valueHint: "STATE",
      description: "The state that follows its present one; one of",
    },
    emergency: {
      type: "boolean",
      description: "With --to retired: the predecessor's key is lost, and it leaves the trust at once",
    },
    ...approvalFlags,
    ...connectionFlags,
  },
  async run(args, context) {
    const rolloverId = parseRolloverId(args.rollover);
    const { to, emergency = false } = args;
    if (emergency && to !== "retired")
      throw usageFailure("an emergency ends what drains: --emergency goes with --to retired");
    const settings = resolveSettings(args, context.terminal.env);
    return decideRollover(
      {
        operation: "advanceRollover",
        path: "/advance",
        bodyFor(seen, isApproved) {
          if (!isApproved) assertMayAdvance(seen, to, emergency);
          return emergency ? { to, emergency } : { to };
        },
        isDone: ({ state }) => state === to,
      },
      { rolloverId, flags: args, settings },
      context,
    );
  },
});

export const rotationRollback = defineCommand({
  summary: "Take a rollover back: the predecessor issues again",
  args: { rollover: rolloverArgument, ...approvalFlags, ...connectionFlags },
  async run(args, context) {
    const rolloverId = parseRolloverId(args.rollover);
    const settings = resolveSettings(args, context.terminal.env);
    return decideRollover(
      {
        operation: "rollBackRollover",
        path: "/rollback",
        bodyFor(seen, isApproved) {
          if (!seen.mayRollBack && !isApproved)
            throw outOfState(
              `the rollover is ${seen.state}, past being taken back; nobody was asked`,
              rolloverId,
            );
          return { from: seen.state };
        },
        isDone: ({ state }) => state === "rolledBack",
      },
      { rolloverId, flags: args, settings },
      context,
    );
  },
});
