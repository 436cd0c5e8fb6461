/** Room: lambdas/access. Approvals of critical operations over HTTP. */
import { assertApproval } from "../../core/access/approval-assertion.ts";
import {
  createApproval,
  getApproval,
  listApprovals,
  type RequestedOperation,
} from "../../core/access/approval-request.ts";
import { AppError } from "../../core/errors.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { assertApprovalRequest, createApprovalRequest } from "../http/access-schemas.ts";
import { type CriticalRouteId, type CriticalWish, judgeCriticalBody } from "../http/critical-bodies.ts";
import type { RouteHandlers } from "../http/message.ts";
import { pathParameters } from "../http/path.ts";
import { bodyJson } from "../http/request.ts";
import { jsonResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";
import { type Route, routes } from "../routes.ts";

type Own = "createApproval" | "listApprovals" | "getApproval" | "assertApproval";

function parameterNames({ path }: Route): readonly string[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name = ""]) => name).filter((name) => name !== "fleet");
}

function checkParameters(route: Route, parameters: Readonly<Record<string, string>>): void {
  const wanted = parameterNames(route);
  if (Object.keys(parameters).sort().join() !== [...wanted].sort().join())
    throw new AppError(
      "request_invalid",
      `body: parameters must be ${wanted.length === 0 ? "left out" : `exactly ${wanted.join(", ")}`} for ${route.id}`,
    );
  pathParameters(parameters);
}

/** What the route's row says of the operation; the operation itself judges its body once more, when it is called. */
function requestedOperation(operation: CriticalRouteId, wish: CriticalWish): RequestedOperation {
  const { parameters, body } = wish;
  const route: Route | undefined = routes.find(({ id }) => id === operation);
  if (route === undefined || route.access === "public" || route.access.critical === undefined)
    throw new AppError("request_invalid", "body: operation is none that needs an approval; just call it");
  checkParameters(route, parameters);
  const { critical, roles = [] } = route.access;
  const judge = (): Promise<void> => judgeCriticalBody(operation, wish);
  return { operation, critical, roles, parameters, body, judge };
}

export function approvalHandlers(app: KeylessApp): Pick<RouteHandlers<"access">, Own> {
  return {
    createApproval: async ({ event, path: { fleet }, caller }) => {
      const { operation, parameters = {}, body } = parse(createApprovalRequest, bodyJson(event), "body");
      const wish = { fleetState: caller.fleetState, parameters, body };
      const approval = await createApproval(app, caller, requestedOperation(operation, wish));
      const location = `/v1/fleets/${fleet}/approvals/${approval.approvalId}`;
      return jsonResult(201, approval, { location });
    },

    listApprovals: async ({ caller }) => jsonResult(200, { approvals: await listApprovals(app, caller) }),

    getApproval: async ({ path: { approvalId }, caller }) =>
      jsonResult(200, await getApproval(app, caller, approvalId)),

    assertApproval: async ({ event, path: { approvalId }, caller }) => {
      const assertion = parse(assertApprovalRequest, bodyJson(event), "body");
      return jsonResult(200, await assertApproval(app, caller, { approvalId, ...assertion }));
    },
  };
}
