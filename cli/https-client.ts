/** Room: cli. HTTPS with keep-alive to one service that given roots vouch for. No redirect is followed. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, type AgentOptions, request as httpsRequest } from "node:https";
import { TLSSocket } from "node:tls";
import { connectionFailure } from "./connection-failure.ts";
import { Failure } from "./failure.ts";

export interface HttpsClientOptions {
  /** Origin and base path, https. */
  readonly url: string;
  /** PEM of the roots that may have signed the server; nothing else is trusted. */
  readonly ca: string;
  readonly credential?: ClientCredential | undefined;
  /** @default 30 s of silence, connecting included */
  readonly timeout?: number;
  /** @default 4 MiB */
  readonly maxResponseBytes?: number;
  /** @default 16 */
  readonly maxSockets?: number;
}

/** PEM: the certificate with its chain, and its private key. */
export interface ClientCredential {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the base URL, with a leading slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Such as `TLSv1.3`. */
  readonly tlsVersion: string | undefined;
  /** When the server's certificate ends, milliseconds since the epoch. */
  readonly serverNotAfter: number | undefined;
}

export interface HttpsClient {
  /** Resolves to any answer, errors included; throws a Failure with exit `unreachable` if there is none. */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}

const defaults = { timeout: 30_000, maxResponseBytes: 4_194_304, maxSockets: 16 };

export function createHttpsClient(options: HttpsClientOptions): HttpsClient {
  const { credential } = options;
  return clientWith(options, {
    ca: options.ca,
    // Said aloud, because NODE_TLS_REJECT_UNAUTHORIZED=0 would change the default.
    rejectUnauthorized: true,
    ...(credential === undefined ? {} : { cert: credential.certificate, key: credential.privateKey }),
  });
}

/**
 * A client that does not know yet whom it talks to. It carries no credential; use it only to fetch a public
 * document that is checked against a fingerprint obtained elsewhere before anything relies on it.
 */
export function createUnauthenticatedClient(url: string, timeout: number): HttpsClient {
  return clientWith({ url, timeout, maxResponseBytes: 65_536 }, { rejectUnauthorized: false });
}

function clientWith(options: Omit<HttpsClientOptions, "ca">, trust: AgentOptions): HttpsClient {
  const limits = { ...defaults, ...options };
  const agent = new Agent({
    ...trust,
    keepAlive: true,
    maxSockets: limits.maxSockets,
    minVersion: "TLSv1.2",
  });
  return {
    send: (request) => exchange(request, limits, agent),
    close: () => agent.destroy(),
  };
}

function exchange(
  request: HttpRequest,
  limits: Omit<HttpsClientOptions, "ca">,
  agent: Agent,
): Promise<HttpResponse> {
  const { timeout = defaults.timeout, maxResponseBytes = defaults.maxResponseBytes } = limits;
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const length =
    request.body === undefined ? {} : { "content-length": String(Buffer.byteLength(request.body)) };
  const outgoing = httpsRequest(`${limits.url}${request.path}`, {
    agent,
    method: request.method,
    headers: { "user-agent": "fleetkey", ...length, ...request.headers },
    timeout,
  });
  outgoing.on("response", (response) => readBody(response, maxResponseBytes).then(resolve, reject));
  outgoing.on("timeout", () => outgoing.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
  outgoing.on("error", reject);
  outgoing.end(request.body);
  return promise.catch((error: unknown) => {
    throw connectionFailure(error, limits.url);
  });
}

async function readBody(response: IncomingMessage, limit: number): Promise<HttpResponse> {
  // Read now: the socket goes back to the agent with the last byte.
  const { socket } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      response.destroy();
      throw new Failure("refused", "response_too_large", `the service's answer exceeds ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks),
    ...connectionFacts(socket),
  };
}

function connectionFacts(
  socket: IncomingMessage["socket"],
): Pick<HttpResponse, "tlsVersion" | "serverNotAfter"> {
  if (!(socket instanceof TLSSocket)) return { tlsVersion: undefined, serverNotAfter: undefined };
  const notAfter = Date.parse(socket.getPeerCertificate().valid_to);
  return {
    tlsVersion: socket.getProtocol() ?? undefined,
    serverNotAfter: Number.isNaN(notAfter) ? undefined : notAfter,
  };
}
