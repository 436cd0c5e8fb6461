/**
 * Room: local. What is refused before any handler sees it. As everywhere, the answer is a problem (RFC 9457)
 * with the security headers; nothing that the peer sent is repeated in it.
 */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorCode } from "../core/errors.ts";
import type { HttpResult } from "../lambdas/http/message.ts";
import { problemDetails } from "../lambdas/http/problems.ts";
import { securityHeaders } from "../lambdas/http/security-headers.ts";

/** HTTP has a status of its own for some of these, where the problem's code is a broader one. */
export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
}

const notHttp: Refusal = { status: 400, code: "request_invalid", detail: "not HTTP/1.1" };

/** By the parser's code. */
const unparsed: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: "request_too_large",
    detail: "request headers exceed 16384 octets; send less",
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: "request_too_large",
    detail: "chunk extensions exceed 16384 octets; send none",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: "request_invalid",
    detail: "the request took too long; repeat it",
  },
};

/** RFC 9110 §10.1.1: the one expectation that exists is 100-continue. */
export const expectationFailed: Refusal = {
  status: 417,
  code: "request_invalid",
  detail: "Expect can be 100-continue only; leave it out",
};

const hostRequired: Refusal = {
  status: 400,
  code: "request_invalid",
  detail: "an HTTP/1.1 request has exactly one Host header; send one",
};

/** RFC 9112 §3.2: a request without Host, or with more than one, gets a 400. HTTP/1.0 knew none. */
export function hostRefusal({ rawHeaders, httpVersion }: IncomingMessage): Refusal | undefined {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === "host") hosts += 1;
  }
  return hosts === 1 || (hosts === 0 && httpVersion === "1.0") ? undefined : hostRequired;
}

export function refusalResult({ status, code, detail }: Refusal, requestId: string): HttpResult {
  return {
    statusCode: status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...securityHeaders,
    },
    body: JSON.stringify({ ...problemDetails(code, detail, requestId), status }),
  };
}

/** Answers what never became a request and closes; `mayAnswer` is false when the answer could be mistaken. */
export function refuseUnparsed(error: Error & { code?: string }, socket: Duplex, mayAnswer: boolean): void {
  const code = error.code ?? "";
  const isHttp = code.startsWith("HPE_") || code === "ERR_HTTP_REQUEST_TIMEOUT";
  if (!isHttp || !socket.writable || !mayAnswer) {
    socket.destroy();
    return;
  }
  const { statusCode, headers, body } = refusalResult(unparsed[code] ?? notHttp, "unparsed");
  const head = [
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ""}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
