/** The HTTPS server over handlers that answer with the very event they received. */
import https from "node:https";
import type { HttpEvent, HttpHandler } from "../../lambdas/http/message.ts";
import { type HttpsServer, type ServerLimits, startHttpsServer } from "../../local/https-server.ts";
import { type LogLine, recordingLog } from "../support/fleet-app.ts";
import type { Credential } from "./tls-credentials.ts";

export interface EchoServer extends HttpsServer {
  readonly log: readonly LogLine[];
}

export const echo: HttpHandler = async (event) => ({
  statusCode: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(event),
});

export async function startEcho(
  credential: Credential,
  handler: HttpHandler = echo,
  limits: Partial<ServerLimits> = {},
): Promise<EchoServer> {
  const log: LogLine[] = [];
  const handlers = {
    enrollment: handler,
    access: handler,
    distribution: handler,
    revocation: handler,
    rotation: handler,
    protection: handler,
    ocsp: handler,
  };
  const tls = { key: credential.key, cert: credential.cert };
  const server = await startHttpsServer({
    handlers,
    tls,
    host: "127.0.0.1",
    port: 0,
    log: recordingLog(log),
    limits: { close: 500, ...limits },
  });
  return { ...server, log };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Ask extends https.RequestOptions {
  readonly body?: string | Buffer;
}

/** One request, trusting whatever certificate the server has: trust is not what these tests are about. */
export function ask(server: HttpsServer, options: Ask = {}): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const request = https.request(
      { host: "127.0.0.1", port: server.port, rejectUnauthorized: false, agent: false, ...rest },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, body: Buffer.concat(chunks).toString("utf8") });
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** The event that the handler received for one request. */
export async function eventOf(server: HttpsServer, options: Ask = {}): Promise<HttpEvent> {
  return JSON.parse((await ask(server, options)).body);
}
