/** Room: lambdas. All functions over one App, for a process that serves them all. */
import type { App } from "../core/ports.ts";
import { accessFunction } from "./access/handler.ts";
import { distributionFunction } from "./distribution/handler.ts";
import { enrollmentFunction } from "./enrollment/handler.ts";
import type { HttpHandler } from "./http/message.ts";
import { revocationFunction } from "./revocation/handler.ts";
import type { FunctionId } from "./routes.ts";

export type Handlers = Readonly<Record<FunctionId, HttpHandler>>;

export function handlersOf(app: App): Handlers {
  return {
    access: accessFunction(app),
    enrollment: enrollmentFunction(app),
    distribution: distributionFunction(app),
    revocation: revocationFunction(app),
  };
}
