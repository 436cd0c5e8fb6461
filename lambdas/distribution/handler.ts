/** Room: lambdas/distribution. What others may read: trust, lists, inventory, the API's description, health. */
import { trustAdoption } from "../../core/distribution/adoption.ts";
import { renewalInfo } from "../../core/enrollment/renewal-info.ts";
import type { ReaderApp } from "../../core/ports.ts";
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { entityTag, jsonResult, publicResult } from "../http/response.ts";
import { httpHandler } from "../http/stack.ts";
import { writeProbe } from "./health.ts";
import { inventoryHandlers } from "./inventory.ts";
import { type AnswerLimit, publishedHandlers } from "./published.ts";

/** Loaded when somebody asks for it: a quarter of the function, which few requests need. */
async function readOpenApi(): Promise<{ readonly text: string; readonly tag: string }> {
  const { default: openApi } = await import("../../docs/openapi.json", { with: { type: "json" } });
  const text = JSON.stringify(openApi);
  return { text, tag: entityTag(text) };
}

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function distributionHandlers(app: ReaderApp, limit: AnswerLimit = {}): RouteHandlers<"distribution"> {
  const probe = writeProbe(app);
  let openApi: ReturnType<typeof readOpenApi> | undefined;
  return {
    ...publishedHandlers(app, limit),
    ...inventoryHandlers(app),

    getTrustAdoption: async ({ path }) => jsonResult(200, await trustAdoption(app, path)),
    getTrustAdoptionByIam: async ({ path }) => jsonResult(200, await trustAdoption(app, path)),

    getRenewalInfo: async ({ event, path, accepted }) => {
      const { info, retryAfter } = await renewalInfo(app, path);
      const result = publicResult(event, JSON.stringify(info), accepted);
      return { ...result, headers: { ...result.headers, "retry-after": String(retryAfter) } };
    },

    getOpenApi: async ({ event, accepted }) => {
      openApi ??= readOpenApi();
      const { text, tag } = await openApi;
      return publicResult(event, text, accepted, tag);
    },

    getHealth: async () => {
      await probe();
      return jsonResult(200, { status: "ok" });
    },
  };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function distributionFunction(app: ReaderApp, limit: AnswerLimit = {}): HttpHandler {
  return httpHandler<"distribution">(app, distributionHandlers(app, limit));
}
