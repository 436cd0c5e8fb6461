/** Room: lambdas/distribution. What others may read: trust, inventory, the API's description, health. */
import { getCertificate, listCertificates } from "../../core/distribution/inventory.ts";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import type { KeylessApp } from "../../core/ports.ts";
import type { HttpEvent, HttpHandler, HttpResult, RouteHandlers } from "../http/message.ts";
import { certificateResult, entityTag, jsonResult, publicResult } from "../http/response.ts";
import { listCertificatesQuery, parse } from "../http/schemas.ts";
import { httpHandler } from "../http/stack.ts";
import type { MediaType } from "../routes.ts";
import { writeProbe } from "./health.ts";

interface CertificatePath {
  readonly fleet: string;
  readonly serialNumber: string;
}

const defaultLimit = 100;

/** Loaded when somebody asks for it: a quarter of the function, which few requests need. */
async function readOpenApi(): Promise<{ readonly text: string; readonly tag: string }> {
  const { default: openApi } = await import("../../docs/openapi.json", { with: { type: "json" } });
  const text = JSON.stringify(openApi);
  return { text, tag: entityTag(text) };
}

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function distributionHandlers(app: KeylessApp): RouteHandlers<"distribution"> {
  const probe = writeProbe(app);
  let openApi: ReturnType<typeof readOpenApi> | undefined;
  const list = async (event: HttpEvent, fleet: string): Promise<HttpResult> => {
    const query = parse(listCertificatesQuery, event.queryStringParameters ?? {}, "query");
    const limit = query.limit === undefined ? defaultLimit : Number(query.limit);
    return jsonResult(200, await listCertificates(app, { ...query, fleet, limit }));
  };
  const show = async (path: CertificatePath, accepted: MediaType): Promise<HttpResult> =>
    certificateResult(200, await getCertificate(app, path), accepted);
  return {
    listCertificates: ({ event, path: { fleet } }) => list(event, fleet),
    listCertificatesByIam: ({ event, path: { fleet } }) => list(event, fleet),
    getCertificate: ({ path, accepted }) => show(path, accepted),
    getCertificateByIam: ({ path, accepted }) => show(path, accepted),

    getTrustBundle: async ({ event, path, accepted }) =>
      publicResult(event, await trustBundlePem(app, path), accepted),

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
export function distributionFunction(app: KeylessApp): HttpHandler {
  return httpHandler<"distribution">(app, distributionHandlers(app));
}
