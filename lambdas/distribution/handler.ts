/** Room: lambdas/distribution. What others may read: trust, inventory, the API's description, health. */
import { getCertificate, listCertificates } from "../../core/distribution/inventory.ts";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import type { KeylessApp } from "../../core/ports.ts";
import openApi from "../../docs/openapi.json" with { type: "json" };
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { certificateResult, entityTag, jsonResult, publicResult } from "../http/response.ts";
import { listCertificatesQuery, parse } from "../http/schemas.ts";
import { httpHandler } from "../http/stack.ts";
import { writeProbe } from "./health.ts";

const defaultLimit = 100;
const openApiText = JSON.stringify(openApi);
const openApiTag = entityTag(openApiText);

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function distributionHandlers(app: KeylessApp): RouteHandlers<"distribution"> {
  const probe = writeProbe(app);
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
      await probe();
      return jsonResult(200, { status: "ok" });
    },
  };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function distributionFunction(app: KeylessApp): HttpHandler {
  return httpHandler<"distribution">(app, distributionHandlers(app));
}
