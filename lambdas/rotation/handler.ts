/** Room: lambdas/rotation. Keys, authorities and certificates of servers that follow one another, over HTTP. */
import type { RevocationApp } from "../../core/ports.ts";
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { httpHandler } from "../http/stack.ts";
import { ceremonyHandlers } from "./ceremonies.ts";
import { keyHandlers } from "./keys.ts";
import { offlineHandlers } from "./offline.ts";
import { rolloverHandlers } from "./rollovers.ts";
import { serverHandlers } from "./servers.ts";

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function rotationHandlers(app: RevocationApp): RouteHandlers<"rotation"> {
  return {
    ...keyHandlers(app),
    ...rolloverHandlers(app),
    ...ceremonyHandlers(app),
    ...offlineHandlers(app),
    ...serverHandlers(app),
  };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function rotationFunction(app: RevocationApp): HttpHandler {
  return httpHandler<"rotation">(app, rotationHandlers(app));
}
