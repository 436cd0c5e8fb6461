/** Room: lambdas/distribution. What others may read: trust, inventory, the API's description, health. */
import { getCertificate, listCertificates } from "../../core/distribution/inventory.ts";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import { AppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import openApi from "../../docs/openapi.json" with { type: "json" };
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { certificateResult, entityTag, jsonResult, publicResult } from "../http/response.ts";
import { listCertificatesQuery, parse } from "../http/schemas.ts";
import { httpHandler } from "../http/stack.ts";

const defaultLimit = 100;
const openApiText = JSON.stringify(openApi);
const openApiTag = entityTag(openApiText);
// No item has this key: the answer "absent" is proof enough that the store answers.
const healthKey = { pk: "HEALTH", sk: "HEALTH" } as const;

export function distributionHandlers(app: App): RouteHandlers<"distribution"> {
  return {
    listCertificates: async ({ event, path: { fleet } }) => {
      const query = parse(listCertificatesQuery, event.queryStringParameters ?? {}, "query");
      const limit = query.limit === undefined ? defaultLimit : Number(query.limit);
      return jsonResult(200, await listCertificates(app, { ...query, fleet, limit }));
    },

    getCertificate: async ({ path, accepted }) =>
      certificateResult(200, await getCertificate(app, path), accepted),

    getTrustBundle: async ({ event, path, accepted }) =>
      publicResult(event, await trustBundlePem(app, path), accepted),

    getOpenApi: async ({ event, accepted }) => publicResult(event, openApiText, accepted, openApiTag),

    getHealth: async () => {
      try {
        await app.items.get(healthKey);
      } catch (cause) {
        throw new AppError("store_unavailable", "the store does not answer", { cause });
      }
      return jsonResult(200, { status: "ok" });
    },
  };
}

export function distributionFunction(app: App): HttpHandler {
  return httpHandler<"distribution">(app, distributionHandlers(app));
}
