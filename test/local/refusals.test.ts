/** What never reaches a handler: every answer is a problem document with the security headers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EchoServer, echo, startEcho } from "./echo-server.ts";
import { expectProblem } from "./problem-answer.ts";
import { connectTls } from "./raw-connection.ts";
import { selfSigned, selfSignedWithExtensions } from "./tls-credentials.ts";

let server: EchoServer;
let handled = 0;

beforeAll(async () => {
  server = await startEcho(selfSigned(["commonName", "localhost"]), (event) => {
    handled += 1;
    return echo(event);
  });
});
afterAll(() => server.close());

async function say(lines: readonly string[]): Promise<string> {
  const { socket, received } = await connectTls(server.port);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return received;
}

const host = "host: x";

describe("what is not HTTP/1.1 is refused and cut off", () => {
  it.each([
    ["headers over 16 KiB", ["GET / HTTP/1.1", host, `x: ${"a".repeat(20_000)}`], 431, "request_too_large"],
    ["chunk extensions over 16 KiB", chunked(`1;${"a".repeat(20_000)}`), 413, "request_too_large"],
    ["RFC 9112 §3.2: no Host", ["GET / HTTP/1.1"], 400, "request_invalid"],
    ["RFC 9112 §3.2: two Hosts", ["GET / HTTP/1.1", host, "Host: y"], 400, "request_invalid"],
    ["no Host, with an Expect", ["GET / HTTP/1.1", "expect: 100-continue"], 400, "request_invalid"],
    ["RFC 9110 §10.1.1: unknown Expect", ["GET / HTTP/1.1", host, "expect: 200-ok"], 417, "request_invalid"],
    ["garbage", ["hello there"], 400, "request_invalid"],
    [
      "two lengths",
      ["POST / HTTP/1.1", host, "content-length: 1", "content-length: 2"],
      400,
      "request_invalid",
    ],
    [
      "length and chunks",
      ["POST / HTTP/1.1", host, "content-length: 1", "transfer-encoding: chunked"],
      400,
      "request_invalid",
    ],
    ["space before colon", ["GET / HTTP/1.1", "host : x"], 400, "request_invalid"],
    ["folded header", ["GET / HTTP/1.1", host, "x: a", " b"], 400, "request_invalid"],
    ["bare NUL", ["GET / HTTP/1.1", host, "x: a\u0000b"], 400, "request_invalid"],
    ["HTTP/2 preface", ["PRI * HTTP/2.0", "", "SM"], 400, "request_invalid"],
  ])("%s", async (_name, lines, status, code) => {
    handled = 0;
    expectProblem(await say(lines), status, code);
    expect(handled).toBe(0);
  });

  function chunked(line: string): string[] {
    return ["POST / HTTP/1.1", host, "transfer-encoding: chunked", "", line, "a", "0"];
  }

  it("HTTP/1.0 had no Host", async () => {
    expect(await say(["GET / HTTP/1.0"])).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("each refusal of a whole request is one log line, without anything that the peer wrote", async () => {
    const before = server.log.length;
    await say(["GET /jane HTTP/1.1", host, "host: jane"]);
    const lines = server.log.slice(before);
    const fields = { requestId: expect.any(String), route: "none", status: 400, code: "request_invalid" };
    expect(lines).toEqual([{ level: "info", event: "request", fields }]);
  });
});

describe("a client certificate that is too large to be a fleet's", () => {
  const ask = async (extensions: number): Promise<string> => {
    const { socket, received } = await connectTls(server.port, selfSignedWithExtensions(extensions));
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    return received;
  };

  it("of 60 kB closes its connection, which the log says", async () => {
    const before = server.log.length;
    expect(await ask(1_000)).toBe("");
    const fields = { code: "client_certificate_untrusted", count: expect.any(Number) };
    const warning = { level: "warn", event: "client_certificate_too_large", fields };
    expect(server.log.slice(before)).toEqual([warning]);
    expect(server.log.at(-1)?.fields["count"]).toBeGreaterThan(16_384);
  });

  it("of 15 kB is let through, for core to judge", async () => {
    const answer = await ask(240);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain("BEGIN CERTIFICATE");
  });
});
