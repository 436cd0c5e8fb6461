/**
 * Room: test. TLS handshakes in four ways: servers of OpenSSL's command line and of node, clients of both. Each client is
 * given the roots that it trusts and nothing else.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect, createServer } from "node:tls";
import { openssl, opensslEnvironment } from "../support/openssl.ts";

export interface ServerFiles {
  /** Directory with `key.pem`, `certificate.pem` and `chain.pem`. */
  readonly directory: string;
  /** PEM, as in the files. */
  readonly key: string;
  readonly certificate: string;
  readonly chain: string;
}

export interface TlsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `openssl s_server`; it says where it listens. */
export async function opensslServer({ directory }: ServerFiles): Promise<TlsServer> {
  const file = (name: string): string => join(directory, name);
  const child = spawn(
    "openssl",
    [
      ...["s_server", "-accept", "127.0.0.1:0", "-www", "-no_dhe"],
      ...["-cert", file("certificate.pem"), "-key", file("key.pem"), "-cert_chain", file("chain.pem")],
    ],
    { env: opensslEnvironment, stdio: ["pipe", "pipe", "ignore"] },
  );
  const ended = once(child, "exit");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^ACCEPT .*:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    // Nobody reads what it says from now on, and it must not wait for a reader.
    child.stdout.resume();
    return {
      port: Number(port),
      async close() {
        child.kill("SIGKILL");
        await ended;
      },
    };
  }
  throw new Error("openssl s_server ended before it listened");
}

export async function nodeServer({ key, certificate, chain }: ServerFiles): Promise<TlsServer> {
  const server = createServer({ key, cert: certificate + chain, minVersion: "TLSv1.2" }, (socket) => {
    // A client that is refused a path goes away in the middle.
    socket.on("error", () => undefined);
    socket.end("welcome");
  });
  server.on("tlsClientError", () => undefined);
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    async close() {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** What the client says of the path: "ok", or why not. `roots` is a file of PEM, or its content for node. */
export async function opensslClient(port: number, rootsFile: string): Promise<string> {
  const { output, accepted } = await openssl([
    ...["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "localhost"],
    ...["-verify_hostname", "localhost", "-verify_return_error", "-x509_strict", "-purpose", "sslserver"],
    ...["-CAfile", rootsFile, "-no-CApath", "-no-CAstore"],
  ]);
  const verdict = /Verify return code: \d+ \(([^)]*)\)/.exec(output)?.[1];
  if (accepted && verdict === "ok") return "ok";
  return /verify error:num=\d+:(.*)/.exec(output)?.[1] ?? verdict ?? output;
}

export function nodeClient(port: number, roots: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: roots }, () => {
      const outcome = socket.authorized ? "ok" : String(socket.authorizationError);
      socket.destroy();
      resolve(outcome);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
