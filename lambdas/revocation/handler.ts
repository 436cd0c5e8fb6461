/** Room: lambdas/revocation. Revocation over HTTP. */
import type { App } from "../../core/ports.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse, revocationRequest } from "../http/schemas.ts";
import { httpHandler } from "../http/stack.ts";

export function revocationHandlers(app: App): RouteHandlers<"revocation"> {
  return {
    revokeCertificate: async ({ event, path, caller }) => {
      const { reason = "unspecified" } = parse(revocationRequest, bodyJson(event), "body");
      return jsonResult(200, await revoke(app, { ...path, operatorId: caller.subjectId, reason }));
    },
  };
}

export function revocationFunction(app: App): HttpHandler {
  return httpHandler<"revocation">(app, revocationHandlers(app));
}
