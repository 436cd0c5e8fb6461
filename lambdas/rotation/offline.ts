/** Room: lambdas/rotation. Roots without a network: what they are to sign goes out, what they have signed comes in. */
import type { RevocationApp } from "../../core/ports.ts";
import { decodeAnswer } from "../../core/rotation/offline/answer.ts";
import { importOffline } from "../../core/rotation/offline/import.ts";
import { offlineRequest } from "../../core/rotation/offline/offline-request.ts";
import type { RouteHandlers } from "../http/message.ts";
import { offlineAnswerImport } from "../http/offline-schemas.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Offline = "getOfflineRequest" | "importOfflineAnswer";

export function offlineHandlers(app: RevocationApp): Pick<RouteHandlers<"rotation">, Offline> {
  return {
    getOfflineRequest: async ({ path }) => jsonResult(200, await offlineRequest(app, path)),

    importOfflineAnswer: async ({ event, path: { rolloverId }, caller, approval }) => {
      const { requestSha256, answer: given } = parse(offlineAnswerImport, bodyJson(event), "body");
      const answer = decodeAnswer(given);
      return jsonResult(
        200,
        await importOffline(app, { caller, approval, rolloverId, requestSha256, answer }),
      );
    },
  };
}
