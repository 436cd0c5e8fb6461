/** Room: lambdas/rotation. What a root without a network is to sign, and what it has signed. */
import type { RevocationApp } from "../../core/ports.ts";
import { importFleetAnswer } from "../../core/rotation/offline/fleet-import.ts";
import { importOffline } from "../../core/rotation/offline/import.ts";
import { fleetOfflineRequest, offlineRequest } from "../../core/rotation/offline/offline-request.ts";
import type { RouteHandlers } from "../http/message.ts";
import { offlineAnswerImport } from "../http/offline-schemas.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Offline =
  | "getOfflineRequest"
  | "importOfflineAnswer"
  | "getFleetOfflineRequest"
  | "importFleetOfflineAnswer";

export function offlineHandlers(app: RevocationApp): Pick<RouteHandlers<"rotation">, Offline> {
  return {
    getOfflineRequest: async ({ path }) => jsonResult(200, await offlineRequest(app, path)),

    importOfflineAnswer: async ({ event, path: { rolloverId }, caller, approval }) => {
      const body = parse(offlineAnswerImport, bodyJson(event), "body");
      return jsonResult(200, await importOffline(app, { caller, approval, rolloverId, ...body }));
    },

    getFleetOfflineRequest: async ({ path }) => jsonResult(200, await fleetOfflineRequest(app, path.fleet)),

    importFleetOfflineAnswer: async ({ event, caller, approval }) => {
      const body = parse(offlineAnswerImport, bodyJson(event), "body");
      return jsonResult(200, await importFleetAnswer(app, { caller, approval, ...body }));
    },
  };
}
