/**
 * Room: local. The embedded HTTPS server: requests become API Gateway events for the very handlers that run
 * on AWS. Client certificates are asked for, never judged here: core decides what one is worth.
 */

import { constants, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { AppError } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import { tlsSettings } from "../core/standard/transport.ts";
import type { Handlers } from "../lambdas/handlers.ts";
import { codeOf, problemResult } from "../lambdas/http/problems.ts";
import { describeError } from "../lambdas/http/redaction.ts";
import { bodyLimitOf } from "../lambdas/http/request.ts";
import { matchRoute } from "../lambdas/http/router.ts";
import { securityHeaders } from "../lambdas/http/security-headers.ts";
import { sendResult, toEvent } from "./event.ts";
import { Pipeline, type PipelineLimits } from "./pipeline.ts";
import { refusePlainHttp } from "./plain-http.ts";
import { expectationFailed, hostRefusal, type Refusal, refusalResult, refuseUnparsed } from "./refusals.ts";

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
export interface ServerLimits extends PipelineLimits {
  readonly handshake: number;
  readonly headers: number;
  readonly request: number;
  readonly keepAlive: number;
  /** How long running requests have when the server closes. */
  readonly close: number;
  readonly connections: number;
  /** Without an octet in either direction; longer than a request may wait for another one's issuance (12 s). */
  readonly stall: number;
}

const defaultLimits: ServerLimits = {
  handshake: 10_000,
  headers: 10_000,
  request: 20_000,
  keepAlive: 30_000,
  close: 10_000,
  connections: 1_024,
  stall: 30_000,
  pipelined: 8,
  answer: 60_000,
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
    // Node's own refusal is no problem document; hostRefusal's is.
    requireHostHeader: false,
    noDelay: true,
  };
}

const tooLarge = (limit: number): AppError =>
  new AppError("request_too_large", `request body exceeds ${limit} octets; send less`);

/** What the route takes that the request is for, known before a body is read. */
function limitFor(request: IncomingMessage): number {
  const [path = ""] = (request.url ?? "").split("?", 1);
  const match = matchRoute(request.method ?? "", path);
  return bodyLimitOf(match.kind === "route" ? match.route : undefined);
}

function declaredLength(request: IncomingMessage): number {
  return Number(request.headers["content-length"] ?? 0);
}

/**
 * The whole body, of at most its route's octets; undefined when the client went away.
 * @throws AppError request_too_large as soon as it is known, the rest unread.
 */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const limit = limitFor(request);
  if (declaredLength(request) > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > limit) {
        request.pause();
        request.removeAllListeners("data");
        reject(tooLarge(limit));
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
  else sendResult(response, problemResult(error, requestId, securityHeaders), true);
}

function sendRefusal(log: Log, response: ServerResponse, refusal: Refusal): void {
  const requestId = randomUUID();
  log.info("request", { requestId, route: "none", status: refusal.status, code: refusal.code });
  sendResult(response, refusalResult(refusal, requestId), true);
}

// The certificates of a fleet have some hundred octets, with ML-DSA some thousand. OpenSSL takes 100 kB and
// keeps four times what it parsed for as long as the connection lasts.
const certificateOctets = 16_384;

/** Client certificates are judged in core; this one is too large to be any fleet's, so its peer is a stranger. */
function refuseLargeCertificate(log: Log, socket: TLSSocket): void {
  const octets = socket.getPeerX509Certificate()?.raw.length ?? 0;
  if (octets <= certificateOctets) return;
  log.warn("client_certificate_too_large", { code: "client_certificate_untrusted", count: octets });
  socket.destroy();
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;
type Admitted = (request: IncomingMessage, response: ServerResponse, last: () => boolean) => void;

/** Every request passes here first: its turn on the connection, then what HTTP asks of any request. */
function admission(
  log: Log,
  pipeline: Pipeline,
  closing: () => boolean,
): (refusal: (request: IncomingMessage) => Refusal | undefined, next: Admitted) => Listener {
  return (refusalOf, next) => (request, response) => {
    const turn = pipeline.enter(request, response);
    if (turn === "refuse") return;
    const refusal = refusalOf(request);
    if (refusal === undefined) {
      next(request, response, () => turn === "last" || closing());
    } else {
      pipeline.end(request.socket);
      sendRefusal(log, response, refusal);
    }
  };
}

function attach(server: Server, options: HttpsServerOptions, limits: ServerLimits, closing: () => boolean) {
  const { log } = options;
  const pipeline = new Pipeline(limits, (count) => log.warn("connection_flooded", { count }));
  const admit = admission(log, pipeline, closing);
  const answer: Admitted = (request, response, last) => {
    serve(options, request, response, last).catch((error: unknown) => sendFailure(log, response, error));
  };
  const proceed: Admitted = (request, response, last) => {
    if (declaredLength(request) <= limitFor(request)) response.writeContinue();
    answer(request, response, last);
  };
  server.on("request", admit(hostRefusal, answer));
  // RFC 9110 §10.1.1: a body that will be refused is refused before it is sent.
  server.on("checkContinue", admit(hostRefusal, proceed));
  server.on(
    "checkExpectation",
    admit(() => expectationFailed, answer),
  );
  server.on("clientError", (error: Error, socket: Duplex) =>
    refuseUnparsed(error, socket, pipeline.mayAnswer(socket)),
  );
  server.on("secureConnection", (socket: TLSSocket) => refuseLargeCertificate(log, socket));
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
  server.setTimeout(limits.stall);
  attach(server, options, limits, () => isClosing);
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
