/** Room: lambdas/access. Challenges, passkeys and sessions over HTTP. */
import { createChallenge } from "../../core/access/challenge.ts";
import { registerPasskey } from "../../core/access/passkey.ts";
import { endSession } from "../../core/access/session.ts";
import { createSession } from "../../core/access/sign-in.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { createSessionRequest, noMembers, registerPasskeyRequest } from "../http/access-schemas.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Own = "createChallenge" | "registerPasskey" | "createSession" | "endSession";

export function sessionHandlers(app: KeylessApp): Pick<RouteHandlers<"access">, Own> {
  return {
    createChallenge: async ({ event, path: { fleet } }) => {
      parse(noMembers, bodyJson(event), "body");
      return jsonResult(201, await createChallenge(app, fleet));
    },

    registerPasskey: async ({ event, path: { fleet }, caller: { invitation } }) => {
      const body = parse(registerPasskeyRequest, bodyJson(event), "body");
      return jsonResult(201, await registerPasskey(app, { fleet, invitation, ...body }));
    },

    createSession: async ({ event, path: { fleet }, caller: { keyThumbprint } }) => {
      const body = parse(createSessionRequest, bodyJson(event), "body");
      return jsonResult(201, await createSession(app, { fleet, keyThumbprint, ...body }));
    },

    endSession: async ({ caller }) => {
      await endSession(app, caller);
      return jsonResult(200, { status: "ended" });
    },
  };
}
