/**
 * Room: lambdas/http. What every request passes, in this order: size (its route's), route, path, access, negotiation, one
 * handler; then problem details, security headers and one log line. Made once for a function, not per request.
 */
import middy from "@middy/core";
import { AppError } from "../../core/errors.ts";
import type { KeylessApp } from "../../core/ports.ts";
import type { FunctionId, RouteId, RouteRow } from "../routes.ts";
import { authorize } from "./access.ts";
import type { HttpEvent, HttpHandler, HttpResult, RouteHandlers, RouteRequest } from "./message.ts";
import { pathParameters } from "./path.ts";
import { codeOf, problemResult, problems } from "./problems.ts";
import { describeError } from "./redaction.ts";
import { bodyLimitOf, checkBodySize, mediaType, negotiate } from "./request.ts";
import { type Match, matchRoute } from "./router.ts";
import { securityHeadersMiddleware } from "./security-headers.ts";

/** One request on its way; `route`, `fleet` and `allow` are learned on it. */
interface Exchange {
  readonly event: HttpEvent;
  readonly startedAt: number;
  route?: RouteRow;
  fleet?: string;
  allow?: string;
  /** Kind of the caller whom the door let in. */
  caller?: string;
  code?: string;
}

// The types of a route's handler follow from its id, which only the router knows at run time. The request
// is built from the very row it is for, and `RouteHandlers` has checked each handler against its row.
type AnyHandler = (request: RouteRequest<RouteId>) => Promise<HttpResult>;
type HandlerTable = ReadonlyMap<string, AnyHandler>;

function handlerTable(handlers: object): HandlerTable {
  return new Map(Object.entries(handlers));
}

function route(
  exchange: Exchange,
  match: Match,
): {
  readonly row: RouteRow;
  readonly parameters: Readonly<Record<string, string>>;
} {
  if (match.kind === "none") throw new AppError("not_found", "no such path; /openapi.json lists them all");
  if (match.kind === "otherMethod") {
    exchange.allow = match.allow;
    throw new AppError("method_not_allowed", `this path takes ${match.allow}`);
  }
  exchange.route = match.route;
  return { row: match.route, parameters: match.parameters };
}

async function dispatch(app: KeylessApp, handlers: HandlerTable, exchange: Exchange): Promise<HttpResult> {
  const { event } = exchange;
  const match = matchRoute(event.requestContext.http.method, event.rawPath);
  checkBodySize(event, bodyLimitOf(match.kind === "route" ? match.route : undefined));
  const { row, parameters } = route(exchange, match);
  const handler = handlers.get(row.id);
  // A gateway that sends a function another one's requests is configured wrongly; nothing may run.
  if (handler === undefined) throw new AppError("not_found", "this function does not serve this path");
  const path = pathParameters(parameters);
  if (path.fleet !== undefined) exchange.fleet = path.fleet;
  const { caller, approval } = await authorize(app, row, event, path);
  exchange.caller = caller?.kind ?? "public";
  const accepted = negotiate(event, row.produces);
  if ("consumes" in row) mediaType(event, row.consumes);
  return handler({ event, path, caller, approval, accepted } as RouteRequest<RouteId>);
}

type Middleware = middy.MiddlewareObj<Exchange, HttpResult>;

function problemDetailsOnError(app: KeylessApp): Middleware {
  return {
    onError: (request) => {
      const { error } = request;
      const { event, allow } = request.event;
      const { requestId } = event.requestContext;
      const code = codeOf(error);
      request.event.code = code;
      if (problems[code].status >= 500)
        app.log.error("request_failed", { requestId, code, ...describeError(error) });
      request.response = problemResult(error, requestId, allow === undefined ? {} : { allow });
    },
  };
}

/** One line a request, without anything that the caller wrote. */
function requestLog(app: KeylessApp): Middleware {
  const write = (request: middy.Request<Exchange, HttpResult>): void => {
    const { event, startedAt, route: row, fleet, caller, code } = request.event;
    app.log.info("request", {
      requestId: event.requestContext.requestId,
      route: row?.id ?? "none",
      status: request.response?.statusCode ?? 500,
      durationMs: app.clock.now() - startedAt,
      // The door's decision; why it was that, `code` says.
      decision: caller === undefined ? "deny" : "allow",
      ...(caller === undefined ? {} : { caller }),
      ...(code === undefined ? {} : { code }),
      // A refused path may hold anything; a fleet that was served exists.
      ...(fleet === undefined || code !== undefined ? {} : { fleet }),
    });
  };
  return { after: write, onError: write };
}

/** API Gateway sends lower case; whoever does not is put right, repeated names joined (RFC 9110 §5.3). */
function withLowerCaseHeaders(event: HttpEvent): HttpEvent {
  const names = Object.keys(event.headers);
  if (names.every((name) => name === name.toLowerCase())) return event;
  const headers: Record<string, string> = {};
  for (const name of names) {
    const value = event.headers[name];
    const lower = name.toLowerCase();
    if (value !== undefined)
      headers[lower] = headers[lower] === undefined ? value : `${headers[lower]},${value}`;
  }
  return { ...event, headers };
}

/** The handler of one function, or of several that share a process. */
export function httpHandler<F extends FunctionId>(app: KeylessApp, handlers: RouteHandlers<F>): HttpHandler {
  const table = handlerTable(handlers);
  const stack = middy<Exchange, HttpResult>((exchange: Exchange) => dispatch(app, table, exchange))
    // `after` and `onError` run from the last to the first: problem, then headers, then the log line.
    .use(requestLog(app))
    .use(securityHeadersMiddleware as Middleware)
    .use(problemDetailsOnError(app));
  type Context = Parameters<typeof stack>[1];
  return (event, context) =>
    stack({ event: withLowerCaseHeaders(event), startedAt: app.clock.now() }, (context ?? {}) as Context);
}
