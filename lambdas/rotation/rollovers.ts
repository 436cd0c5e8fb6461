/** Room: lambdas/rotation. Authorities that follow one another: decided here by people, done by a task. */
import { AppError } from "../../core/errors.ts";
import type { RevocationApp } from "../../core/ports.ts";
import { advanceRollover } from "../../core/rotation/advance.ts";
import { listAuthorities } from "../../core/rotation/authorities.ts";
import { cancelDestruction } from "../../core/rotation/destruction.ts";
import { rollbackRollover } from "../../core/rotation/rollback.ts";
import { getRollover, listRollovers } from "../../core/rotation/rollover.ts";
import { planRollover, previewRollover } from "../../core/rotation/rollover-plan.ts";
import type { RolloverName, RolloverView } from "../../core/rotation/views.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import {
  advanceRolloverRequest,
  keyDestructionRequest,
  listRolloversQuery,
  planRolloverRequest,
  previewRolloverQuery,
  rollBackRolloverRequest,
} from "../http/rotation-schemas.ts";
import { parse } from "../http/schemas.ts";

type Rollovers =
  | "listAuthorities"
  | "previewRollover"
  | "planRollover"
  | "listRollovers"
  | "getRollover"
  | "advanceRollover"
  | "rollBackRollover"
  | "destroyAuthorityKey"
  | "cancelKeyDestruction";

const defaultLimit = 100;

/** What was approved must be about the rollover as it is. */
async function assertSeen(
  app: RevocationApp,
  name: RolloverName,
  member: "from" | "state",
  seen: string,
): Promise<void> {
  const rollover: RolloverView = await getRollover(app, name);
  if (rollover[member] === seen) return;
  const what = member === "from" ? "is about authority" : "is in state";
  throw new AppError(
    "rollover_state_invalid",
    `the rollover ${what} "${rollover[member]}", not "${seen}"; look at it again, and have that approved`,
  );
}

export function rolloverHandlers(app: RevocationApp): Pick<RouteHandlers<"rotation">, Rollovers> {
  return {
    listAuthorities: async ({ path }) => jsonResult(200, await listAuthorities(app, path)),

    previewRollover: async ({ event, path }) => {
      const query = parse(previewRolloverQuery, event.queryStringParameters ?? {}, "query");
      const emergency = query.emergency === "true";
      return jsonResult(200, await previewRollover(app, { ...path, ...query, emergency }));
    },

    planRollover: async ({ event, path: { fleet }, caller, approval }) => {
      const body = parse(planRolloverRequest, bodyJson(event), "body");
      const rollover = await planRollover(app, { caller, approval, ...body });
      return jsonResult(201, rollover, { location: `/v1/fleets/${fleet}/rollovers/${rollover.rolloverId}` });
    },

    listRollovers: async ({ event, path }) => {
      const { limit, ...query } = parse(listRolloversQuery, event.queryStringParameters ?? {}, "query");
      const count = limit === undefined ? defaultLimit : Number(limit);
      return jsonResult(200, await listRollovers(app, { ...path, ...query, limit: count }));
    },

    getRollover: async ({ path }) => jsonResult(200, await getRollover(app, path)),

    advanceRollover: async ({ event, path: { rolloverId }, caller, approval }) => {
      const body = parse(advanceRolloverRequest, bodyJson(event), "body");
      return jsonResult(200, await advanceRollover(app, { caller, approval, rolloverId, ...body }));
    },

    rollBackRollover: async ({ event, path, caller, approval }) => {
      const { from } = parse(rollBackRolloverRequest, bodyJson(event), "body");
      await assertSeen(app, path, "state", from);
      const { rolloverId } = path;
      return jsonResult(200, await rollbackRollover(app, { caller, approval, rolloverId }));
    },

    destroyAuthorityKey: async ({ event, path, caller, approval }) => {
      const { authorityId } = parse(keyDestructionRequest, bodyJson(event), "body");
      await assertSeen(app, path, "from", authorityId);
      const { rolloverId } = path;
      return jsonResult(200, await advanceRollover(app, { caller, approval, rolloverId, to: "destroyed" }));
    },

    cancelKeyDestruction: async ({ event, path, caller, approval }) => {
      const { authorityId } = parse(keyDestructionRequest, bodyJson(event), "body");
      await assertSeen(app, path, "from", authorityId);
      const { rolloverId } = path;
      return jsonResult(200, await cancelDestruction(app, { caller, approval, rolloverId }));
    },
  };
}
