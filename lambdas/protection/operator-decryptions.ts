/** Room: lambdas/protection. Reading protected data in an emergency: asked for, told, read once. */
import type { ProtectionApp } from "../../core/ports.ts";
import {
  getOperatorDecryption,
  listOperatorDecryptions,
  readAsOperator,
  requestOperatorDecryption,
} from "../../core/protection/operator-decryption.ts";
import type { RouteHandlers } from "../http/message.ts";
import {
  contextRequest,
  listOperatorDecryptionsQuery,
  operatorDecryptionRequest,
  operatorMessageOf,
} from "../http/protection-schemas.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Readings =
  | "requestOperatorDecryption"
  | "listOperatorDecryptions"
  | "getOperatorDecryption"
  | "readAsOperator";

const defaultLimit = 100;

export function operatorDecryptionHandlers(app: ProtectionApp): Pick<RouteHandlers<"protection">, Readings> {
  return {
    requestOperatorDecryption: async ({ event, path: { fleet }, caller }) => {
      const { context, message, reason } = parse(operatorDecryptionRequest, bodyJson(event), "body");
      const view = await requestOperatorDecryption(app, {
        caller,
        context: contextRequest(fleet, context),
        message: operatorMessageOf(message),
        reason,
      });
      const location = `/v1/fleets/${fleet}/operator-decryptions/${view.decryptionId}`;
      return jsonResult(201, view, { location });
    },

    listOperatorDecryptions: async ({ event, path: { fleet } }) => {
      const { limit, ...query } = parse(
        listOperatorDecryptionsQuery,
        event.queryStringParameters ?? {},
        "query",
      );
      const count = limit === undefined ? defaultLimit : Number(limit);
      return jsonResult(200, await listOperatorDecryptions(app, { fleet, ...query, limit: count }));
    },

    getOperatorDecryption: async ({ path }) => jsonResult(200, await getOperatorDecryption(app, path)),

    readAsOperator: async ({ path: { decryptionId }, caller, approval }) => {
      const { decryption, plaintext } = await readAsOperator(app, { caller, approval, decryptionId });
      const encoded = plaintext.toString("base64");
      plaintext.fill(0);
      return jsonResult(200, { decryption, plaintext: encoded });
    },
  };
}
