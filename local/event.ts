/**
 * Room: local. HTTPS request → API Gateway payload format 2.0 → HTTPS response, as API Gateway does it, so
 * that a handler cannot tell where it runs.
 */
import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { ClientCertificate, HttpEvent, HttpResult } from "../lambdas/http/message.ts";

/** Names in lower case, repeated values joined by commas; cookies apart. `raw` alternates name and value. */
export function joinHeaders(raw: readonly string[]): { headers: Record<string, string>; cookies: string[] } {
  // No prototype: a header may be called `__proto__`.
  const headers: Record<string, string> = Object.create(null);
  const cookies: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    const value = raw[index + 1] ?? "";
    if (name === "cookie") cookies.push(...value.split("; "));
    else headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return { headers, cookies };
}

/** Decoded; repeated values joined by commas. Undefined without a query, as API Gateway leaves it out. */
export function joinQuery(rawQueryString: string): Record<string, string> | undefined {
  if (rawQueryString === "") return undefined;
  const joined: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    joined[name] = joined[name] === undefined ? value : `${joined[name]},${value}`;
  }
  return joined;
}

const distinguishedName = (lines: string): string => lines.replaceAll("\n", ",");
const colonSeparated = (hexadecimal: string): string =>
  (hexadecimal.toLowerCase().match(/../g) ?? []).join(":");

// A keep-alive connection has one peer: renegotiation is off, so its certificate is rendered once.
const clientCertificates = new WeakMap<TLSSocket, { readonly clientCert: ClientCertificate } | undefined>();

function presentedCertificate(socket: TLSSocket): { readonly clientCert: ClientCertificate } | undefined {
  // On a resumed session OpenSSL restores the certificate that the original handshake proved.
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const clientCert = {
    clientCertPem: certificate.toString(),
    subjectDN: distinguishedName(certificate.subject ?? ""),
    issuerDN: distinguishedName(certificate.issuer ?? ""),
    serialNumber: colonSeparated(certificate.serialNumber),
    validity: { notBefore: certificate.validFrom, notAfter: certificate.validTo },
  };
  return { clientCert };
}

/** The certificate whose key the TLS peer proved to hold; whether it is worth anything, core decides. */
function authenticationOf(socket: unknown): { readonly clientCert: ClientCertificate } | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  if (clientCertificates.has(socket)) return clientCertificates.get(socket);
  const authentication = presentedCertificate(socket);
  clientCertificates.set(socket, authentication);
  return authentication;
}

// API Gateway hands these to functions as text and everything else as base64.
const textual = /^(?:text\/|application\/(?:json|javascript|xml)(?:$|[ ;]))/i;

function encodeBody(
  body: Buffer,
  contentType: string | undefined,
): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const isText = contentType !== undefined && textual.test(contentType) && isUtf8(body);
  return { body: body.toString(isText ? "utf8" : "base64"), isBase64Encoded: !isText };
}

/** "12/Mar/2020:19:03:58 +0000", from milliseconds since the epoch. */
function commonLogTime(now: number): string {
  const text = new Date(now).toUTCString();
  return `${text.slice(5, 7)}/${text.slice(8, 11)}/${text.slice(12, 16)}:${text.slice(17, 25)} +0000`;
}

function requestContextOf(
  request: IncomingMessage,
  headers: Record<string, string>,
  path: string,
  now: number,
) {
  const authentication = authenticationOf(request.socket);
  const domainName = headers["host"] ?? "";
  return {
    accountId: "anonymous",
    apiId: "local",
    domainName,
    domainPrefix: domainName.split(".", 1)[0] ?? "",
    requestId: randomUUID(),
    routeKey: "$default",
    stage: "$default",
    time: commonLogTime(now),
    timeEpoch: now,
    http: {
      method: request.method ?? "GET",
      path,
      protocol: `HTTP/${request.httpVersion}`,
      sourceIp: request.socket.remoteAddress ?? "",
      userAgent: headers["user-agent"] ?? "",
    },
    ...(authentication === undefined ? {} : { authentication }),
  };
}

/** `now` in milliseconds since the epoch. */
export function toEvent(request: IncomingMessage, body: Buffer, now: number): HttpEvent {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  const rawPath = mark === -1 ? url : url.slice(0, mark);
  const rawQueryString = mark === -1 ? "" : url.slice(mark + 1);
  const { headers, cookies } = joinHeaders(request.rawHeaders);
  const queryStringParameters = joinQuery(rawQueryString);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    ...(cookies.length === 0 ? {} : { cookies }),
    headers,
    ...(queryStringParameters === undefined ? {} : { queryStringParameters }),
    requestContext: requestContextOf(request, headers, rawPath, now),
    ...encodeBody(body, headers["content-type"]),
  };
}

// From here on the copy costs more than looking for it.
const sharedLength = 16_384;
const sharedBodies = 4;
const publicBodies = new Map<string, { readonly text: string; readonly bytes: Buffer }>();

/**
 * The octets of `result`. Those of a large public answer are made once, so that many readers of it share them:
 * found by its entity tag, and taken only when the text is the very same.
 */
function octetsOf({ body, headers, isBase64Encoded = false }: HttpResult): Buffer {
  const tag = headers["etag"];
  if (isBase64Encoded || tag === undefined || body.length < sharedLength) {
    return Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  }
  const known = publicBodies.get(tag);
  if (known?.text === body) return known.bytes;
  const bytes = Buffer.from(body, "utf8");
  if (publicBodies.size >= sharedBodies) publicBodies.clear();
  publicBodies.set(tag, { text: body, bytes });
  return bytes;
}

/** Statuses whose answers never have a body (RFC 9110 §6.4.1). */
const bodiless = new Set([204, 304]);

/** Sends `result`; `last` closes the connection after it. */
export function sendResult(response: ServerResponse, result: HttpResult, last: boolean): void {
  const body = octetsOf(result);
  const length = bodiless.has(result.statusCode) ? {} : { "content-length": body.length };
  response.writeHead(result.statusCode, {
    ...result.headers,
    ...length,
    ...(last ? { connection: "close" } : {}),
  });
  response.end(body);
}
