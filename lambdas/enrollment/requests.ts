/** Room: lambdas/enrollment. Enrolment requests that wait for an operator, over HTTP. */
import { decideEnrollmentRequest, listEnrollmentRequests } from "../../core/enrollment/enrollment-request.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { decisionRequest } from "../http/device-schemas.ts";
import type { RouteHandlers } from "../http/message.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";

type Own = "listEnrollmentRequests" | "decideEnrollmentRequest";

export function requestHandlers(app: KeylessApp): Pick<RouteHandlers<"enrollment">, Own> {
  return {
    listEnrollmentRequests: async ({ path: { fleet } }) =>
      jsonResult(200, { requests: await listEnrollmentRequests(app, fleet) }),

    decideEnrollmentRequest: async ({ event, path: { fleet, requestId }, caller: { actor } }) => {
      const { decision } = parse(decisionRequest, bodyJson(event), "body");
      return jsonResult(200, await decideEnrollmentRequest(app, { fleet, requestId, decision, actor }));
    },
  };
}
