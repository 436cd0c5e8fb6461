/**
 * Room: local. The embedded HTTPS server: requests become API Gateway events for the very handlers that run
 * on AWS. Client certificates are asked for, never judged here: core decides what one is worth.
 */

import { constants, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { Duplex } from "node:stream";
import { AppError, type ErrorCode } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import { tlsSettings } from "../core/standard/transport.ts";
import type { Handlers } from "../lambdas/handlers.ts";
import { codeOf, problemDetails, problemResult } from "../lambdas/http/problems.ts";
import { describeError } from "../lambdas/http/redaction.ts";
import { bodyLimit } from "../lambdas/http/request.ts";
import { matchRoute } from "../lambdas/http/router.ts";
import { sendResult, toEvent } from "./event.ts";
import { refusePlainHttp } from "./plain-http.ts";

export interface HttpsServerOptions {
  readonly handlers: Handlers;
  /** PEM. `ca` are names hinted to clients that choose among certificates; without it any may be sent. */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca?: string };
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly log: Log;
  readonly limits?: Partial<ServerLimits>;
}

/** Times in milliseconds. Each bounds what one peer may hold, so that slow peers cannot hold everything. */
export interface ServerLimits {
  readonly handshake: number;
  readonly headers: number;
  readonly request: number;
  readonly keepAlive: number;
  /** How long running requests have when the server closes. */
  readonly close: number;
  readonly connections: number;
}

const defaultLimits: ServerLimits = {
  handshake: 10_000,
  headers: 10_000,
  request: 20_000,
  keepAlive: 30_000,
  close: 10_000,
  connections: 4_096,
};

export interface HttpsServer {
  readonly url: string;
  readonly port: number;
  /** For connections from now on; running ones keep theirs. @throws Error when key and certificate differ. */
  setCertificate(key: string, cert: string): void;
  /** Stops accepting, answers what runs, closes what is idle. */
  close(): Promise<void>;
}

const { citation: _citation, ...protocol } = tlsSettings;

function secureOptions(tls: HttpsServerOptions["tls"]): ServerOptions {
  return {
    ...protocol,
    key: tls.key,
    cert: tls.cert,
    // An empty list keeps the public web's authorities out: none of them vouches for a device.
    ca: tls.ca === undefined ? [] : [tls.ca],
    // A renegotiated certificate would not be the one that the connection was opened with.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  };
}

function serverOptions(tls: HttpsServerOptions["tls"], limits: ServerLimits): ServerOptions {
  return {
    ...secureOptions(tls),
    requestCert: true,
    // Nothing is decided here: an unknown certificate reaches the access check, which refuses it with a reason.
    rejectUnauthorized: false,
    handshakeTimeout: limits.handshake,
    headersTimeout: limits.headers,
    requestTimeout: limits.request,
    keepAliveTimeout: limits.keepAlive,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 16_384,
    noDelay: true,
  };
}

const tooLarge = (): AppError =>
  new AppError("request_too_large", `request body exceeds ${bodyLimit} octets; send less`);

function declaredLength(request: IncomingMessage): number {
  return Number(request.headers["content-length"] ?? 0);
}

/**
 * The whole body, of at most `bodyLimit` octets; undefined when the client went away.
 * @throws AppError request_too_large as soon as it is known, the rest unread.
 */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (declaredLength(request) > bodyLimit) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > bodyLimit) {
        request.pause();
        request.removeAllListeners("data");
        reject(tooLarge());
      }
    });
    request.once("end", () => resolve(Buffer.concat(chunks, length)));
    request.once("close", () => resolve(undefined));
    request.once("error", () => resolve(undefined));
  });
}

const noBody = Buffer.alloc(0);

function hasBody(request: IncomingMessage): boolean {
  return (
    request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined
  );
}

/** As a gateway routes: by method and path. What matches nothing still gets a function's own 404 or 405. */
function handlerFor(handlers: Handlers, method: string, path: string) {
  const match = matchRoute(method, path);
  return handlers[match.kind === "route" ? match.route.function : "distribution"];
}

async function serve(
  options: HttpsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  last: () => boolean,
) {
  const body = hasBody(request) ? await readBody(request) : noBody;
  if (body === undefined) return;
  const event = toEvent(request, body, Date.now());
  const handler = handlerFor(options.handlers, event.requestContext.http.method, event.rawPath);
  sendResult(response, await handler(event), last());
}

/** The rest of an oversize body is never read, so its connection ends with the answer. */
function sendFailure(log: Log, response: ServerResponse, error: unknown): void {
  const requestId = randomUUID();
  const code = codeOf(error);
  if (error instanceof AppError) log.info("request", { requestId, route: "none", code });
  else log.error("request_failed", { requestId, code, ...describeError(error) });
  if (response.headersSent) response.destroy();
  else sendResult(response, problemResult(error, requestId), true);
}

/** What never became a request: the parser's own refusals, answered as a problem when they can be. */
const parserRefusals: Readonly<Record<string, readonly [string, ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: [
    "431 Request Header Fields Too Large",
    "request_too_large",
    "request headers exceed 16384 octets; send less",
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    "408 Request Timeout",
    "request_invalid",
    "the request took too long; repeat it",
  ],
};

function refuseUnparsed(error: Error & { code?: string }, socket: Duplex): void {
  const code = error.code ?? "";
  const isHttp = code.startsWith("HPE_") || code === "ERR_HTTP_REQUEST_TIMEOUT";
  if (!isHttp || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, problem, detail] = parserRefusals[code] ?? [
    "400 Bad Request",
    "request_invalid",
    "not HTTP/1.1",
  ];
  const body = JSON.stringify({
    ...problemDetails(problem, detail, "unparsed"),
    status: Number.parseInt(status, 10),
  });
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`, () => socket.destroy());
}

function attach(server: Server, options: HttpsServerOptions, closing: () => boolean): void {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(options, request, response, closing).catch((error: unknown) =>
      sendFailure(options.log, response, error),
    );
  };
  server.on("request", listener);
  // RFC 9110 §10.1.1: a body that will be refused is refused before it is sent.
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (declaredLength(request) <= bodyLimit) response.writeContinue();
    listener(request, response);
  });
  server.on("clientError", refuseUnparsed);
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen({ host, port });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`no port at ${host}:${port}`);
  return address.port;
}

/** @throws Error when the address cannot be listened on, or key and certificate do not fit. */
export async function startHttpsServer(options: HttpsServerOptions): Promise<HttpsServer> {
  const limits = { ...defaultLimits, ...options.limits };
  const server = createServer(serverOptions(options.tls, limits));
  server.maxConnections = limits.connections;
  let isClosing = false;
  attach(server, options, () => isClosing);
  const gate = refusePlainHttp(server, limits.handshake);
  const port = await listen(server, options.host, options.port);

  return {
    url: `https://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`,
    port,
    setCertificate: (key, cert) => server.setSecureContext(secureOptions({ ...options.tls, key, cert })),
    close: async () => {
      isClosing = true;
      const closed = once(server, "close");
      server.close();
      gate.close();
      const deadline = setTimeout(() => gate.destroy(), limits.close);
      await closed;
      clearTimeout(deadline);
    },
  };
}
