/**
 * Room: scripts/rehearsal. What a mutual-TLS custom domain is on AWS: terminates TLS, asks for the client's certificate
 * and has it prove the key in the handshake, and passes the request on. Whether an authority of ours signed that
 * certificate is not decided here; the service decides it itself, with every request.
 */
import { readFile } from "node:fs/promises";
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { Agent, createServer, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { forwardedCertificateHeader } from "./forwarded-certificate.ts";
import type { ServerFiles } from "./throwaway-authority.ts";

export interface FrontOptions {
  readonly server: ServerFiles;
  /** The emulator, https. */
  readonly target: string;
  /** By which the emulator finds the API: `{apiId}.execute-api.…`. Requests wait until it is known. */
  readonly host: string | Promise<string>;
}

export interface Front {
  readonly url: string;
  close(): Promise<void>;
}

// RFC 9110 §7.6.1: these concern one connection only.
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Headers to pass on: none that concern the connection, none that only the front may say. */
export function forwardedHeaders(
  headers: IncomingHttpHeaders,
  host: string,
  certificate: string | undefined,
) {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const dropped = new Set([...hopByHop, ...named, forwardedCertificateHeader, "host"]);
  const kept = Object.entries(headers).filter(([name]) => !dropped.has(name.toLowerCase()));
  const proved =
    certificate === undefined ? {} : { [forwardedCertificateHeader]: encodeURIComponent(certificate) };
  return { ...Object.fromEntries(kept), host, ...proved };
}

/** PEM of the certificate whose key the peer has proved to hold. */
function provedCertificate(socket: Socket): string | undefined {
  // TLS verifies CertificateVerify (RFC 8446 §4.4.3) before a handshake ends, whoever signed the certificate.
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.toString() : undefined;
}

function answerBadGateway(response: ServerResponse): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(502, { "content-type": "text/plain" }).end(STATUS_CODES[502]);
}

export async function startFront({ server, target, host }: FrontOptions): Promise<Front> {
  const agent = new Agent({ ca: await readFile(server.authority), keepAlive: true, maxSockets: 64 });
  const forward = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const headers = forwardedHeaders(incoming.headers, await host, provedCertificate(incoming.socket));
    const { method, url: path = "/" } = incoming;
    const outgoing = httpsRequest(target, { agent, method, path, headers, servername: "localhost" });
    outgoing.on("response", (answer) => {
      const { connection: _connection, "transfer-encoding": _coding, ...kept } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, kept);
      answer.pipe(response);
    });
    outgoing.on("error", () => answerBadGateway(response));
    incoming.pipe(outgoing);
  };
  const listener = createServer(
    {
      cert: await readFile(server.chain),
      key: await readFile(server.key),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
    },
    (incoming, response) => void forward(incoming, response).catch(() => answerBadGateway(response)),
  );
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `https://127.0.0.1:${port}`,
    async close() {
      agent.destroy();
      listener.closeAllConnections();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
