/** Room: lambdas/access. Operators, sessions, approvals and the fleet itself over HTTP. */
import type { KeylessApp } from "../../core/ports.ts";
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { httpHandler } from "../http/stack.ts";
import { approvalHandlers } from "./approvals.ts";
import { fleetHandlers } from "./fleets.ts";
import { operatorHandlers } from "./operators.ts";
import { pageHandlers } from "./page.ts";
import { sessionHandlers } from "./sessions.ts";

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function accessHandlers(app: KeylessApp): RouteHandlers<"access"> {
  return {
    ...fleetHandlers(app),
    ...operatorHandlers(app),
    ...sessionHandlers(app),
    ...approvalHandlers(app),
    ...pageHandlers(),
  };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function accessFunction(app: KeylessApp): HttpHandler {
  return httpHandler<"access">(app, accessHandlers(app));
}
