/** Room: lambdas/revocation. Taking trust back over HTTP. */
import type { RevocationApp } from "../../core/ports.ts";
import { revokeDevice, revokeOwn } from "../../core/revocation/device.ts";
import { release, revoke } from "../../core/revocation/revoke.ts";
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import {
  deviceRevocationRequest,
  ownRevocationRequest,
  revocationRequest,
} from "../http/revocation-schemas.ts";
import { parse } from "../http/schemas.ts";
import { httpHandler } from "../http/stack.ts";
import { jobHandlers } from "./jobs.ts";

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function revocationHandlers(app: RevocationApp): RouteHandlers<"revocation"> {
  return {
    ...jobHandlers(app),

    revokeCertificate: async ({ event, path, caller }) => {
      const { reason = "unspecified" } = parse(revocationRequest, bodyJson(event), "body");
      return jsonResult(200, await revoke(app, { ...path, actor: caller.actor, reason }));
    },

    releaseCertificate: async ({ path, caller }) =>
      jsonResult(200, await release(app, { ...path, actor: caller.actor })),

    revokeDevice: async ({ event, path, caller }) => {
      const { reason = "unspecified" } = parse(deviceRevocationRequest, bodyJson(event), "body");
      return jsonResult(200, await revokeDevice(app, { ...path, actor: caller.actor, reason }));
    },

    revokeOwn: async ({ event, caller }) => {
      const { reason = "unspecified", ...rest } = parse(ownRevocationRequest, bodyJson(event), "body");
      return jsonResult(200, await revokeOwn(app, { client: caller, reason, ...rest }));
    },
  };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function revocationFunction(app: RevocationApp): HttpHandler {
  return httpHandler<"revocation">(app, revocationHandlers(app));
}
