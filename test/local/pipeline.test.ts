/** What one connection may ask for at once, and how long it may take to fetch what it asked for. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import type { HttpHandler } from "../../lambdas/http/message.ts";
import type { ServerLimits } from "../../local/https-server.ts";
import { type EchoServer, startEcho } from "./echo-server.ts";
import { connectTls } from "./raw-connection.ts";
import { selfSigned } from "./tls-credentials.ts";

const listener = selfSigned(["commonName", "localhost"]);
let server: EchoServer;
let handled: string[] = [];

async function start(body: string, limits: Partial<ServerLimits> = {}, ready?: Promise<void>) {
  handled = [];
  const handler: HttpHandler = async (event) => {
    handled.push(event.rawPath);
    await ready;
    return { statusCode: 200, headers: {}, body: body || event.rawPath };
  };
  server = await startEcho(listener, handler, limits);
}
afterEach(() => server.close());

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
const paths = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `/${from + at}`);
/** The bodies of answers, which here are the paths of their requests. */
const bodies = (answers: string): string[] => answers.match(/(?<=\r\n\r\n)\/\d+/g) ?? [];
const within = async (closed: Promise<string>, milliseconds: number): Promise<string> =>
  Promise.race([closed, sleep(milliseconds).then(() => "still open")]);

/** Reads answers until there are `count` of them. */
async function readAnswers(socket: TLSSocket, count: number): Promise<string> {
  let text = "";
  const keep = (chunk: Buffer): void => {
    text += chunk.toString("latin1");
  };
  socket.on("data", keep);
  while (bodies(text).length < count && !socket.closed) await sleep(1);
  socket.off("data", keep);
  return text;
}

describe("a client that sends one request after another, or a few at once, meets no limit", () => {
  it("1,000 requests on one connection", async () => {
    await start("");
    const { socket } = await connectTls(server.port);
    for (const path of paths(1, 1_000)) {
      const answered = readAnswers(socket, 1);
      socket.write(get(path));
      expect(bodies(await answered)).toEqual([path]);
    }
    socket.destroy();
  });

  it("RFC 9112 §9.3.2: seven at once, many times, answered in order", async () => {
    await start("");
    const { socket } = await connectTls(server.port);
    for (let first = 1; first < 700; first += 7) {
      const some = paths(first, first + 6);
      const answered = readAnswers(socket, 7);
      socket.write(some.map(get).join(""));
      expect(bodies(await answered)).toEqual(some);
    }
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});

describe("a client that sends more at once", () => {
  it("RFC 9112 §9.6: gets eight answers, the last of which says close; nothing more is processed", async () => {
    await start("");
    const { socket, received } = await connectTls(server.port);
    socket.write(paths(1, 20).map(get).join(""));
    const answers = await received;
    expect(bodies(answers)).toEqual(paths(1, 8));
    expect(answers.match(/connection: close/gi)).toHaveLength(1);
    expect(answers.lastIndexOf("connection: close")).toBeGreaterThan(answers.indexOf("/7"));
    expect(handled).toEqual(paths(1, 8));
  });

  it("what comes behind the last one is not processed while that one still runs", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await start("", {}, gate);
    const { socket, received } = await connectTls(server.port);
    socket.write(paths(1, 8).map(get).join(""));
    await sleep(50);
    socket.write(get("/9"));
    await sleep(50);
    release();
    expect(bodies(await received)).toEqual(paths(1, 8));
    expect(handled).not.toContain("/9");
  });

  it("is cut off when it floods: eight answers are made, not thousands, and the log says so once", async () => {
    await start("x".repeat(100_000));
    const { socket, received } = await connectTls(server.port);
    socket.pause();
    socket.write(get("/").repeat(3_000));
    await sleep(300);
    socket.resume();
    expect(await within(received, 4_000)).not.toBe("still open");
    expect(handled).toHaveLength(8);
    expect(server.log.filter(({ event }) => event === "connection_flooded")).toHaveLength(1);
  });
});

describe("a peer that does not fetch its answer is not waited for", () => {
  // More than the buffers of two kernels hold, so that the server has octets left to send.
  const length = 30_000_000;
  const expectCutOff = async (received: Promise<string>): Promise<void> => {
    const got = await within(received, 4_000);
    expect(got).not.toBe("still open");
    expect(got.length).toBeLessThan(length);
  };

  it("that stops reading", async () => {
    await start("x".repeat(length), { stall: 300 });
    const { socket, received } = await connectTls(server.port);
    socket.write(get("/"));
    await sleep(30);
    socket.pause();
    await sleep(1_500);
    socket.resume();
    await expectCutOff(received);
  });

  it("that reads drop by drop", async () => {
    await start("x".repeat(length), { answer: 600 });
    const { socket, received } = await connectTls(server.port);
    const drip = (): void => {
      socket.pause();
      setTimeout(() => socket.resume(), 50);
    };
    socket.on("data", drip);
    socket.write(get("/"));
    await sleep(1_500);
    socket.off("data", drip);
    await expectCutOff(received);
  });

  it("that connects and says nothing, or only ever keeps the connection", async () => {
    await start("", { headers: 300, keepAlive: 300 });
    const { received } = await connectTls(server.port);
    expect(await within(received, 4_000)).not.toBe("still open");
  });
});

it("RFC 9112 §9.6: what comes behind a refused request is not processed", async () => {
  await start("");
  const { socket, received } = await connectTls(server.port);
  socket.write(`GET /1 HTTP/1.1\r\n\r\n${get("/2")}`);
  expect(await received).toMatch(/^HTTP\/1\.1 400 /);
  expect(handled).toEqual([]);
});

it("what is no request gets no answer that would be taken for the answer to the one before it", async () => {
  await start("", {}, sleep(200));
  const { socket, received } = await connectTls(server.port);
  socket.write(`${get("/1")}hello there\r\n\r\n`);
  expect(await received).toBe("");
  expect(handled).toEqual(["/1"]);
});
