/** Room: lambdas/ocsp. The OCSP responder over HTTP (RFC 6960 Appendix A). What is asked badly has an OCSP answer too. */
import { isAppError } from "../../core/errors.ts";
import { type OcspAnswer, ocspResponder } from "../../core/ocsp/answer.ts";
import type { App } from "../../core/ports.ts";
import type { HttpEvent, HttpHandler, HttpResult, RouteHandlers } from "../http/message.ts";
import { bodyBytes, decodeBase64 } from "../http/request.ts";
import { matches } from "../http/response.ts";
import { httpHandler } from "../http/stack.ts";

const contentType = "application/ocsp-response";
/** What no OCSPRequest is, so that the responder answers malformedRequest. */
const noRequest = Buffer.alloc(0);

/**
 * RFC 9919 §6: how long a cache may keep it; without a time, not at all. No Expires: that would be nextUpdate, and a
 * cache that knows nothing newer would go on saying "good" for half a day.
 */
function caching({ maxAgeSeconds }: OcspAnswer): Readonly<Record<string, string>> {
  if (maxAgeSeconds === undefined) return { "cache-control": "no-store" };
  return { "cache-control": `public, max-age=${maxAgeSeconds}, no-transform, must-revalidate` };
}

function ocspResult(answer: OcspAnswer, tag: Readonly<Record<string, string>> = {}): HttpResult {
  return {
    statusCode: 200,
    headers: { "content-type": contentType, ...caching(answer), ...tag },
    body: Buffer.from(answer.body).toString("base64"),
    isBase64Encoded: true,
  };
}

/** RFC 9110 §13.1.2: of a GET alone, whose address names what the tag is of. 304 when the client has it already. */
function cacheableResult({ headers }: HttpEvent, answer: OcspAnswer): HttpResult {
  const { etag } = answer;
  if (etag === undefined) return ocspResult(answer);
  if (!matches(headers["if-none-match"], etag)) return ocspResult(answer, { etag });
  return { statusCode: 304, headers: { ...caching(answer), etag }, body: "" };
}

/** RFC 6960 Appendix A.1: percent-encoded base64; some clients leave "+", "/" and "=" as they are. */
function requestOf(parameter: string): Buffer {
  try {
    return decodeBase64(decodeURIComponent(parameter)) ?? noRequest;
  } catch (error) {
    if (error instanceof URIError) return noRequest;
    throw error;
  }
}

function bodyOf(event: HttpEvent): Buffer {
  try {
    return bodyBytes(event);
  } catch (error) {
    if (isAppError(error, "request_invalid")) return noRequest;
    throw error;
  }
}

/** Handlers of this function's routes. They reject with AppError; `httpHandler` answers it as a problem. */
export function ocspHandlers(app: App): RouteHandlers<"ocsp"> {
  const answer = ocspResponder(app);
  return {
    postOcsp: async ({ event, path: { fleet } }) =>
      ocspResult(await answer({ fleet, request: bodyOf(event) })),
    getOcsp: async ({ event, path: { fleet, request } }) =>
      cacheableResult(event, await answer({ fleet, request: requestOf(request) })),
  };
}

/** The function whole. It never rejects: failures are answered as problems. */
export function ocspFunction(app: App): HttpHandler {
  return httpHandler<"ocsp">(app, ocspHandlers(app));
}
