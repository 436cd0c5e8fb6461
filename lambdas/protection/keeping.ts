/** Room: lambdas/protection. Keys that go under new ones, and keys that are destroyed: begun here, done by a task. */
import type { ProtectionApp } from "../../core/ports.ts";
import {
  cancelReencryption,
  getReencryption,
  listReencryptions,
  startReencryption,
} from "../../core/protection/reencryption.ts";
import { getShred, listShreds, shredData } from "../../core/protection/shred.ts";
import type { RouteHandlers } from "../http/message.ts";
import { listReencryptionsQuery, listShredsQuery, shredRequest } from "../http/protection-schemas.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Keeping =
  | "startReencryption"
  | "listReencryptions"
  | "getReencryption"
  | "cancelReencryption"
  | "shredData"
  | "listShreds"
  | "getShred";

const defaultLimit = 100;

export function keepingHandlers(app: ProtectionApp): Pick<RouteHandlers<"protection">, Keeping> {
  return {
    startReencryption: async ({ path: { fleet }, caller: { actor } }) => {
      const view = await startReencryption(app, { fleet, actor });
      const location = `/v1/fleets/${fleet}/reencryptions/${view.reencryptionId}`;
      return jsonResult(202, view, { location });
    },

    listReencryptions: async ({ event, path: { fleet } }) => {
      const { limit, ...query } = parse(listReencryptionsQuery, event.queryStringParameters ?? {}, "query");
      const count = limit === undefined ? defaultLimit : Number(limit);
      return jsonResult(200, await listReencryptions(app, { fleet, ...query, limit: count }));
    },

    getReencryption: async ({ path: { fleet, reencryptionId: jobId } }) =>
      jsonResult(200, await getReencryption(app, { fleet, jobId })),

    cancelReencryption: async ({ path: { fleet, reencryptionId: jobId }, caller: { actor } }) =>
      jsonResult(200, await cancelReencryption(app, { fleet, jobId, actor })),

    shredData: async ({ event, path: { fleet }, caller, approval }) => {
      const wish = parse(shredRequest, bodyJson(event), "body");
      const view = await shredData(app, { caller, approval, ...wish });
      return jsonResult(202, view, { location: `/v1/fleets/${fleet}/shreds/${view.shredId}` });
    },

    listShreds: async ({ event, path: { fleet } }) => {
      const { limit, ...query } = parse(listShredsQuery, event.queryStringParameters ?? {}, "query");
      const count = limit === undefined ? defaultLimit : Number(limit);
      return jsonResult(200, await listShreds(app, { fleet, ...query, limit: count }));
    },

    getShred: async ({ path: { fleet, shredId } }) =>
      jsonResult(200, await getShred(app, { fleet, shredId })),
  };
}
