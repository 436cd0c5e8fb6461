/** Room: lambdas/rotation. Ceremonies: opened here by two people, held by a task. */
import type { RevocationApp } from "../../core/ports.ts";
import { getCeremony, listCeremonies, openCeremony } from "../../core/rotation/ceremony.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { listCeremoniesQuery, openCeremonyRequest } from "../http/rotation-schemas.ts";
import { parse } from "../http/schemas.ts";

type Ceremonies = "openCeremony" | "listCeremonies" | "getCeremony";

const defaultLimit = 100;

export function ceremonyHandlers(app: RevocationApp): Pick<RouteHandlers<"rotation">, Ceremonies> {
  return {
    openCeremony: async ({ event, path: { fleet }, caller, approval }) => {
      const body = parse(openCeremonyRequest, bodyJson(event), "body");
      const ceremony = await openCeremony(app, { caller, approval, ...body });
      return jsonResult(201, ceremony, { location: `/v1/fleets/${fleet}/ceremonies/${ceremony.ceremonyId}` });
    },

    listCeremonies: async ({ event, path }) => {
      const { limit, ...query } = parse(listCeremoniesQuery, event.queryStringParameters ?? {}, "query");
      const count = limit === undefined ? defaultLimit : Number(limit);
      return jsonResult(200, await listCeremonies(app, { ...path, ...query, limit: count }));
    },

    getCeremony: async ({ path }) => jsonResult(200, await getCeremony(app, path)),
  };
}
