/** Room: lambdas/revocation. Revocation over HTTP. */
import type { KeylessApp } from "../../core/ports.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse, revocationRequest } from "../http/schemas.ts";
import { httpHandler } from "../http/stack.ts";

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function revocationHandlers(app: KeylessApp): RouteHandlers<"revocation"> {
  return {
    revokeCertificate: async ({ event, path, caller }) => {
      const { reason = "unspecified" } = parse(revocationRequest, bodyJson(event), "body");
      return jsonResult(200, await revoke(app, { ...path, actor: caller.actor, reason }));
    },
  };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function revocationFunction(app: KeylessApp): HttpHandler {
  return httpHandler<"revocation">(app, revocationHandlers(app));
}
