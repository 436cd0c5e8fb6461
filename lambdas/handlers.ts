/** Room: lambdas. All functions over one App, for a process that serves them all. */
import type { ServiceApp } from "../core/ports.ts";
import { accessFunction } from "./access/handler.ts";
import { distributionFunction } from "./distribution/handler.ts";
import { enrollmentFunction } from "./enrollment/handler.ts";
import type { HttpHandler } from "./http/message.ts";
import { ocspFunction } from "./ocsp/handler.ts";
import { protectionFunction } from "./protection/handler.ts";
import { revocationFunction } from "./revocation/handler.ts";
import { rotationFunction } from "./rotation/handler.ts";
import type { FunctionId } from "./routes.ts";

export type Handlers = Readonly<Record<FunctionId, HttpHandler>>;

export function handlersOf(app: ServiceApp): Handlers {
  return {
    access: accessFunction(app),
    enrollment: enrollmentFunction(app),
    distribution: distributionFunction(app),
    revocation: revocationFunction(app),
    rotation: rotationFunction(app),
    protection: protectionFunction(app),
    ocsp: ocspFunction(app),
  };
}
