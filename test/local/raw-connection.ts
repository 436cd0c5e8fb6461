/** Raw TCP and TLS connections, for what a well-behaved client never sends. */
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

export interface Raw {
  readonly socket: net.Socket;
  /** All that the server sent until it closed the connection, or was cut off. */
  readonly received: Promise<string>;
}

function collect(socket: net.Socket): Raw {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  const received = new Promise<string>((resolve) => {
    socket.once("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
  return { socket, received };
}

export async function connectPlain(port: number): Promise<Raw> {
  const socket = net.connect({ port, host: "127.0.0.1" });
  const raw = collect(socket);
  await once(socket, "connect");
  return raw;
}

export async function connectTls(
  port: number,
  options: tls.ConnectionOptions = {},
): Promise<Raw & { readonly socket: tls.TLSSocket }> {
  const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  const raw = collect(socket);
  await once(socket, "secureConnect");
  return { socket, received: raw.received };
}
