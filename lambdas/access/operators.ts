/** Room: lambdas/access. The fleet's operators over HTTP. */
import { inviteFirstPasskey, inviteOperator } from "../../core/access/operator-invitation.ts";
import { changeOperator, listOperators } from "../../core/access/operators.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { changeOperatorRequest, inviteOperatorRequest, noMembers } from "../http/access-schemas.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Own = "listOperators" | "inviteOperator" | "changeOperator" | "inviteFirstPasskey";

export function operatorHandlers(app: KeylessApp): Pick<RouteHandlers<"access">, Own> {
  return {
    listOperators: async ({ caller: { fleet } }) =>
      jsonResult(200, { operators: await listOperators(app, fleet) }),

    inviteOperator: async ({ event, caller, approval }) => {
      const invited = parse(inviteOperatorRequest, bodyJson(event), "body");
      return jsonResult(201, await inviteOperator(app, caller, approval, invited));
    },

    changeOperator: async ({ event, path: { operatorId }, caller, approval }) => {
      const change = parse(changeOperatorRequest, bodyJson(event), "body");
      return jsonResult(200, await changeOperator(app, caller, approval, { operatorId, ...change }));
    },

    inviteFirstPasskey: async ({ event, caller }) => {
      parse(noMembers, bodyJson(event), "body");
      return jsonResult(201, await inviteFirstPasskey(app, caller));
    },
  };
}
