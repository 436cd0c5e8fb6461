/** Room: cli. What people decide about a rollover that there is. It is shown before anybody is asked. */
import { type Rollover, rollover } from "../lambdas/http/rotation-answers.ts";
import type { Context } from "./command.ts";
import { type ApprovalFlags, callCritical } from "./critical-operation.ts";
import type { ExitName } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { renderRollover, rolloverPath, showRollover } from "./rollover.ts";
import { withOperatorApi } from "./session.ts";
import type { Settings } from "./settings.ts";

export interface RolloverMove {
  readonly operation: "advanceRollover" | "rollBackRollover" | "destroyAuthorityKey" | "cancelKeyDestruction";
  /** Below the rollover's own path. */
  readonly path: string;
  /** What is approved: about the rollover as it was shown. Throws a Failure where the service would refuse it. */
  bodyFor(seen: Rollover, isApproved: boolean): object;
  /** Whether it has come to that, by this call or another. */
  isDone(seen: Rollover): boolean;
  /** For people, once it is done. */
  readonly note?: (moved: Rollover) => string;
}

interface MoveRequest {
  readonly rolloverId: string;
  readonly flags: ApprovalFlags;
  readonly settings: Settings;
}

/** What the service refuses in that state, so that nobody is asked for it. */
export const outOfState = (message: string, rolloverId: string): Failure =>
  new Failure("refused", "rollover_state_invalid", message, {
    remedy: `look at it with: fleetkey rotation show ${rolloverId}`,
  });

async function called(
  api: FleetApi,
  seen: Rollover,
  move: RolloverMove,
  { flags, settings }: MoveRequest,
  context: Context,
): Promise<Rollover | undefined> {
  const { rolloverId } = seen;
  const call = {
    operation: move.operation,
    parameters: { rolloverId },
    method: "POST",
    path: rolloverPath(rolloverId) + move.path,
    body: move.bodyFor(seen, flags.approval !== undefined),
    schema: rollover,
  } as const;
  try {
    return await callCritical(api, call, flags, settings, context);
  } catch (error) {
    // Where the answer to the first attempt was lost, the second finds it done, or its approval spent.
    const mayBeDone =
      error instanceof Failure && /^(?:rollover_state_invalid|approval_spent)$/.test(error.code);
    const now = mayBeDone ? await showRollover(api, rolloverId) : undefined;
    if (now !== undefined && move.isDone(now)) return now;
    throw error;
  }
}

/** Shows the rollover, asks for the approval, does it and answers with what has become of it. */
export function decideRollover(
  move: RolloverMove,
  request: MoveRequest,
  context: Context,
): Promise<ExitName | undefined> {
  const { settings, rolloverId } = request;
  const { terminal, output } = context;
  return withOperatorApi({ settings, terminal }, async (api) => {
    const seen = await showRollover(api, rolloverId);
    output.note(renderRollover(seen));
    const moved = await called(api, seen, move, request, context);
    if (moved === undefined) return "pending";
    output.answer(moved, renderRollover(moved));
    if (move.note !== undefined) output.note(move.note(moved));
    return undefined;
  });
}
