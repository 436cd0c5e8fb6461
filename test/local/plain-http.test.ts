import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, type EchoServer, startEcho } from "./echo-server.ts";
import { connectPlain } from "./raw-connection.ts";
import { selfSigned } from "./tls-credentials.ts";

let server: EchoServer;
let handled = 0;

beforeAll(async () => {
  server = await startEcho(selfSigned(["commonName", "localhost"]), async () => {
    handled += 1;
    return { statusCode: 200, headers: {}, body: "" };
  });
});
afterAll(() => server.close());

async function say(...writes: readonly (string | Buffer)[]): Promise<string> {
  const { socket, received } = await connectPlain(server.port);
  for (const write of writes) socket.write(write);
  return received;
}

describe("plain HTTP on the HTTPS port", () => {
  const requests = [
    "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /v1 HTTP/1.1\r\n",
    "PUT",
    "O",
    "CONNECT a:1 HTTP/1.1\r\n\r\n",
  ];
  it.each(requests)("%j is refused with a reason, and the connection closed", async (request) => {
    const answer = await say(request);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain("content-type: application/problem+json\r\n");
    expect(answer).toContain("connection: close\r\n");
    const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
    expect(body).toMatchObject({ status: 400, title: "HTTPS only", code: "request_invalid" });
    expect(body.detail).toContain("https://");
  });

  it("the answer arrives though the client sends a large body with a secret", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const request = http.request({ port: server.port, host: "127.0.0.1", method: "POST" }, (response) => {
        response.setEncoding("utf8").on("data", resolve);
      });
      request.on("error", reject);
      request.end("hunter2 ".repeat(20_000));
    });
    expect(answer).toContain("HTTPS only");
    expect(answer).not.toContain("hunter2");
  });

  it("nothing of it is processed, and HTTPS goes on", async () => {
    expect(handled).toBe(0);
    expect((await ask(server)).status).toBe(200);
    expect(handled).toBe(1);
  });
});

describe("what is neither TLS nor HTTP is cut off without a word", () => {
  it.each([
    ["SSH", "SSH-2.0-OpenSSH_9.6\r\n", "HTTP/1.1 400"],
    ["telnet negotiation", Buffer.from([0xff, 0xfb, 0x01]), ""],
    ["NUL", Buffer.from([0]), ""],
    ["SSL 2.0 hello", Buffer.from([0x80, 0x2e, 0x01, 0x00, 0x02]), ""],
    ["lower case", "get / http/1.1\r\n\r\n", ""],
  ])("%s", async (_name, bytes, start) => {
    expect((await say(bytes)).slice(0, start.length || undefined)).toBe(start);
  });

  it("a connection that only closes", async () => {
    const { socket, received } = await connectPlain(server.port);
    socket.end();
    expect(await received).toBe("");
  });

  it("a handshake whose first octet comes alone still succeeds", async () => {
    // The gate hands over one octet, and TLS reads the rest from the connection itself.
    const relay = net.createServer((client) => {
      const upstream = net.connect({ port: server.port, host: "127.0.0.1", noDelay: true });
      client.once("data", (hello: Buffer) => {
        upstream.write(hello.subarray(0, 1));
        setTimeout(() => {
          upstream.write(hello.subarray(1));
          client.pipe(upstream).pipe(client);
        }, 50);
      });
      for (const each of [client, upstream]) each.on("error", () => undefined);
    });
    relay.listen(0, "127.0.0.1");
    await once(relay, "listening");
    const { port } = relay.address() as net.AddressInfo;
    expect((await ask({ ...server, port })).status).toBe(200);
    relay.close();
  });
});
