/** Room: lambdas/protection. Data at rest over HTTP: the one function that opens keys of data. */
import type { ProtectionApp } from "../../core/ports.ts";
import type { HttpHandler, RouteHandlers } from "../http/message.ts";
import { httpHandler } from "../http/stack.ts";
import { dataHandlers } from "./data.ts";
import { keepingHandlers } from "./keeping.ts";
import { operatorDecryptionHandlers } from "./operator-decryptions.ts";

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function protectionHandlers(app: ProtectionApp): RouteHandlers<"protection"> {
  return { ...dataHandlers(app), ...operatorDecryptionHandlers(app), ...keepingHandlers(app) };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function protectionFunction(app: ProtectionApp): HttpHandler {
  return httpHandler<"protection">(app, protectionHandlers(app));
}
