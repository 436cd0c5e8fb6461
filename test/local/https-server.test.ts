import { Agent } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpHandler } from "../../lambdas/http/message.ts";
import { bodyLimit } from "../../lambdas/http/request.ts";
import { startHttpsServer } from "../../local/https-server.ts";
import { recordingLog } from "../support/fleet-app.ts";
import { ask, type EchoServer, echo, startEcho } from "./echo-server.ts";
import { expectProblem } from "./problem-answer.ts";
import { connectPlain, connectTls } from "./raw-connection.ts";
import { selfSigned } from "./tls-credentials.ts";

const listener = selfSigned(["commonName", "localhost"]);
let server: EchoServer;

beforeAll(async () => {
  server = await startEcho(listener, echo, { handshake: 400, headers: 400, request: 800, keepAlive: 300 });
});
afterAll(() => server.close());

describe("bodies", () => {
  it("up to the limit reach the handler", async () => {
    const answer = await ask(server, {
      method: "POST",
      body: "a".repeat(bodyLimit),
      headers: { "content-type": "text/plain" },
    });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body).body).toHaveLength(bodyLimit);
  });

  it.each([
    ["declared", { "content-length": String(10 * bodyLimit) }],
    ["chunked", { "transfer-encoding": "chunked" }],
  ])(
    "RFC 9110 §15.5.14: over the limit, %s: 413, connection closed, the rest never kept",
    async (_name, header) => {
      const { socket, received } = await connectTls(server.port);
      const fields = Object.entries(header).map(([name, value]) => `${name}: ${value}`);
      socket.write(["POST / HTTP/1.1", "host: x", ...fields, "", ""].join("\r\n"));
      const chunk = `10000\r\n${"a".repeat(65_536)}\r\n`;
      for (let sent = 0; sent < 4 && socket.writable; sent += 1) socket.write(chunk);
      expectProblem(await received, 413, "request_too_large");
    },
  );

  it("RFC 9110 §10.1.1: Expect: 100-continue is refused before the body is sent", async () => {
    const { socket, received } = await connectTls(server.port);
    socket.write(
      `POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${bodyLimit + 1}\r\n\r\n`,
    );
    const answer = await received;
    expect(answer).not.toContain("100 Continue");
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("Expect: 100-continue with a body that fits is told to go on", async () => {
    const { socket, received } = await connectTls(server.port);
    socket.write(
      "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 2\r\n\r\n",
    );
    await sleep(50);
    socket.write("hi");
    expect(await received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });

  it("a client that goes away in the middle costs nothing", async () => {
    const { socket } = await connectTls(server.port);
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
    await sleep(30);
    socket.destroy();
    expect((await ask(server)).status).toBe(200);
  });
});

describe("a slow peer is not waited for", () => {
  const within = async (closed: Promise<string>): Promise<string> =>
    Promise.race([closed, sleep(4_000).then(() => "still open")]);

  it("that says nothing at all", async () => {
    expect(await within((await connectPlain(server.port)).received)).toBe("");
  });

  it("that starts a handshake and stops", async () => {
    const { socket, received } = await connectPlain(server.port);
    socket.write(Buffer.from([0x16, 0x03, 0x01]));
    expect(await within(received)).toBe("");
  });

  it("that sends headers drop by drop", async () => {
    const { socket, received } = await connectTls(server.port);
    socket.write("GET / HTTP/1.1\r\n");
    const drops = setInterval(() => socket.writable && socket.write("x: y\r\n"), 100);
    const answer = await within(received);
    clearInterval(drops);
    expectProblem(answer, 408, "request_invalid");
  });

  it("that sends a body drop by drop", async () => {
    const { socket, received } = await connectTls(server.port);
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
    const drops = setInterval(() => socket.writable && socket.write("x"), 100);
    const answer = await within(received);
    clearInterval(drops);
    expect(answer).not.toBe("still open");
  });

  it("that keeps a connection without using it", async () => {
    const { socket, received } = await connectTls(server.port);
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await within(received)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

it("connections beyond the maximum are dropped, and those within it still served", async () => {
  const small = await startEcho(listener, echo, { connections: 2 });
  const held = [await connectTls(small.port), await connectTls(small.port)];
  const third = await connectPlain(small.port);
  expect(await third.received).toBe("");
  held[0]?.socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  expect(await held[0]?.received).toMatch(/^HTTP\/1\.1 200 /);
  await small.close();
});

it("the function of the route is the one that is called", async () => {
  const named =
    (name: string): HttpHandler =>
    async () => ({ statusCode: 200, headers: {}, body: name });
  const handlers = {
    enrollment: named("enrollment"),
    distribution: named("distribution"),
    revocation: named("revocation"),
    rotation: named("rotation"),
    protection: named("protection"),
    access: named("access"),
    ocsp: named("ocsp"),
  };
  const tls = { key: listener.key, cert: listener.cert };
  const one = await startHttpsServer({ handlers, tls, host: "127.0.0.1", port: 0, log: recordingLog([]) });
  const at = async (method: string, path: string) => (await ask(one, { method, path })).body;
  expect(await at("POST", "/v1/fleets/default/certificates")).toBe("enrollment");
  expect(await at("GET", "/v1/fleets/default/certificates?limit=1")).toBe("distribution");
  expect(await at("POST", "/v1/fleets/default/certificates/4f1c/revocation")).toBe("revocation");
  expect(await at("GET", "/nothing")).toBe("distribution");
  await one.close();
});

it("setCertificate: new connections see the new certificate, old ones go on", async () => {
  const next = selfSigned(["commonName", "next"]);
  const one = await startEcho(listener);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect((await ask(one, { agent })).status).toBe(200);
  one.setCertificate(next.key, next.cert);
  expect((await ask(one, { agent })).status).toBe(200);
  const { socket } = await connectTls(one.port);
  expect(socket.getPeerCertificate().subject.CN).toBe("next");
  expect(socket.getProtocol()).toBe("TLSv1.3");
  expect(() => one.setCertificate(listener.key, next.cert)).toThrow();
  socket.destroy();
  agent.destroy();
  await one.close();
});

describe("close", () => {
  it("answers what runs, ends what is idle, refuses what comes", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow: HttpHandler = async (event) => {
      if (event.rawPath === "/slow") await gate;
      return { statusCode: 200, headers: {}, body: "done" };
    };
    const one = await startEcho(listener, slow, { close: 5_000 });
    const idle = await connectTls(one.port);
    idle.socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    const silent = await connectPlain(one.port);
    const running = ask(one, { path: "/slow" });
    await sleep(100);
    const closed = one.close();
    expect(await idle.received).toMatch(/^HTTP\/1\.1 200 /);
    expect(await silent.received).toBe("");
    await expect(ask(one)).rejects.toThrow("ECONNREFUSED");
    release();
    const answer = await running;
    expect(answer).toMatchObject({ status: 200, body: "done", headers: { connection: "close" } });
    await closed;
  });

  it("does not wait longer than it says", async () => {
    const never: HttpHandler = () => new Promise(() => undefined);
    const one = await startEcho(listener, never, { close: 200 });
    const running = ask(one).then(
      () => "answered",
      () => "cut off",
    );
    const shaking = await connectPlain(one.port);
    shaking.socket.write(Buffer.from([0x16, 0x03, 0x01]));
    await sleep(50);
    const started = performance.now();
    await one.close();
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(await running).toBe("cut off");
    expect(await shaking.received).toBe("");
  });
});

it("a port that is taken is an error, not a crash", async () => {
  const options = {
    handlers: {
      enrollment: echo,
      distribution: echo,
      revocation: echo,
      rotation: echo,
      protection: echo,
      access: echo,
      ocsp: echo,
    },
    log: recordingLog([]),
  };
  const tls = { key: listener.key, cert: listener.cert };
  const second = startHttpsServer({ ...options, tls, host: "127.0.0.1", port: server.port });
  await expect(second).rejects.toThrow("EADDRINUSE");
});

describe("a route that takes more", () => {
  const path = "/v1/fleets/default/encrypt";

  it("takes a body of its own limit, and refuses one octet more", async () => {
    const send = (octets: number) => ask(server, { method: "POST", path, body: "a".repeat(octets) });
    expect((await send(5_500_000)).status).toBe(200);
    const refused = await send(5_500_001);
    expect([refused.status, JSON.parse(refused.body).detail]).toEqual([
      413,
      "request body exceeds 5500000 octets; send less",
    ]);
  });

  it("by another method it is a path like any other", async () => {
    const refused = await ask(server, { method: "PUT", path, body: "a".repeat(bodyLimit + 1) });
    expect(refused.status).toBe(413);
  });
});
