/**
 * Room: local. One port, HTTPS only. The first octet of a connection tells TLS (a handshake record, 0x16)
 * from plain HTTP, which is answered once, clearly, and closed. Nothing that it sent is processed.
 */
import type { Server, Socket } from "node:net";
import { problemDetails } from "../lambdas/http/problems.ts";

const handshakeRecord = 0x16; // RFC 8446 §5.1
const lingerMilliseconds = 1_000;

const isMethodLetter = (octet: number): boolean => octet >= 0x41 && octet <= 0x5a;

const refusal = ((): string => {
  const detail = "this port speaks HTTPS only; repeat the request with https://";
  const body = JSON.stringify({
    ...problemDetails("request_invalid", detail, "plain-http"),
    title: "HTTPS only",
  });
  const head = [
    "HTTP/1.1 400 Bad Request",
    "content-type: application/problem+json",
    "cache-control: no-store",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
})();

/** Answers plain HTTP; anything else (SSH, noise) is cut off without a word. */
function refuse(socket: Socket, octet: number): void {
  if (!isMethodLetter(octet)) {
    socket.destroy();
    return;
  }
  socket.end(refusal);
  // Unread input would turn the close into a reset that overtakes the answer, so it is read and dropped.
  socket.resume();
  setTimeout(() => socket.destroy(), lingerMilliseconds).unref();
}

export interface Gate {
  /** Cuts off connections that have not said anything yet. */
  close(): void;
  /** Cuts off every connection, whatever it is doing. */
  destroy(): void;
}

/**
 * Puts a gate before `server`'s own TLS: a connection reaches it once its first octet is a handshake's.
 * `timeout` in milliseconds bounds the wait for that octet.
 */
export function refusePlainHttp(server: Server, timeout: number): Gate {
  const tlsListeners = server.listeners("connection");
  server.removeAllListeners("connection");
  const waiting = new Set<Socket>();
  const open = new Set<Socket>();
  const drop = (socket: Socket) => () => socket.destroy();

  server.on("connection", (socket: Socket) => {
    open.add(socket);
    waiting.add(socket);
    socket.setTimeout(timeout, drop(socket));
    socket.once("error", drop(socket));
    socket.once("close", () => {
      waiting.delete(socket);
      open.delete(socket);
    });
    socket.once("readable", () => {
      waiting.delete(socket);
      const first: Buffer | null = socket.read();
      const octet = first?.[0];
      if (first === null || octet === undefined) {
        socket.destroy();
      } else if (octet === handshakeRecord) {
        socket.setTimeout(0);
        socket.unshift(first);
        for (const listener of tlsListeners) listener.call(server, socket);
      } else {
        refuse(socket, octet);
      }
    });
  });

  const destroyAll = (sockets: Iterable<Socket>) => () => {
    for (const socket of sockets) socket.destroy();
  };
  return { close: destroyAll(waiting), destroy: destroyAll(open) };
}
