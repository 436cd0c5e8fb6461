import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpHandler } from "../../lambdas/http/message.ts";
import { joinHeaders, joinQuery } from "../../local/event.ts";
import { ask, type EchoServer, eventOf, startEcho } from "./echo-server.ts";
import { selfSigned } from "./tls-credentials.ts";

const listener = selfSigned(["commonName", "localhost"]);
const device = selfSigned(["commonName", "pump-1"], ["organizationName", "Example"]);
let server: EchoServer;

beforeAll(async () => {
  server = await startEcho(listener);
});
afterAll(() => server.close());

describe("API Gateway payload format 2.0", () => {
  it("has the documented shape", async () => {
    const event = await eventOf(server, { path: "/v1/a%20b?x=1&y=a%2Cb&x=2", headers: { "X-Custom": "v" } });
    expect(event).toMatchObject({
      version: "2.0",
      routeKey: "$default",
      rawPath: "/v1/a%20b",
      rawQueryString: "x=1&y=a%2Cb&x=2",
      queryStringParameters: { x: "1,2", y: "a,b" },
      headers: { "x-custom": "v", host: `127.0.0.1:${server.port}` },
      isBase64Encoded: false,
      requestContext: {
        stage: "$default",
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
        http: { method: "GET", path: "/v1/a%20b", protocol: "HTTP/1.1", sourceIp: "127.0.0.1" },
      },
    });
    expect(event.body).toBeUndefined();
    expect(event.requestContext.authentication).toBeUndefined();
    expect(event.cookies).toBeUndefined();
  });

  it("leaves the query out when there is none", async () => {
    const event = await eventOf(server, { path: "/healthz?" });
    expect(event.rawQueryString).toBe("");
    expect(event.queryStringParameters).toBeUndefined();
  });

  it.each(["/%2e%2e/x", "//x", "/a/../b", "/x%00", "/A/b", "/a;b=c", "/%e0%80%af"])(
    "hands over the path as it came: %s",
    async (path) => {
      expect((await eventOf(server, { path })).rawPath).toBe(path);
    },
  );

  it.each([
    ["application/json", '{"a":"é"}', false],
    ["text/plain; charset=utf-8", "text", false],
    ["application/xml", "<a/>", false],
    ["application/pkcs10", "MIIB", true],
    ["application/octet-stream", Buffer.from([0, 255]), true],
    ["application/jsonp", "x", true],
    ["application/json", Buffer.from([0x22, 0xff, 0x22]), true],
    [undefined, "no type", true],
  ])("%s bodies", async (type, body, isBase64Encoded) => {
    const headers = type === undefined ? {} : { "content-type": type };
    const event = await eventOf(server, { method: "POST", body, headers });
    expect(event.isBase64Encoded).toBe(isBase64Encoded);
    const bytes = Buffer.from(event.body ?? "", isBase64Encoded ? "base64" : "utf8");
    expect(bytes.equals(Buffer.from(body))).toBe(true);
  });

  it("joins repeated headers by commas, and takes cookies apart", () => {
    const raw = [
      "Accept",
      "a",
      "accept",
      "b",
      "Authorization",
      "x",
      "AUTHORIZATION",
      "y",
      "Cookie",
      "c=1; d=2",
    ];
    const { headers, cookies } = joinHeaders(raw);
    expect({ ...headers }).toEqual({ accept: "a,b", authorization: "x,y" });
    expect(cookies).toEqual(["c=1", "d=2"]);
  });

  it("a header or a parameter called __proto__ is only that", () => {
    const { headers } = joinHeaders(["__proto__", "x", "constructor", "y"]);
    expect(Object.keys(headers)).toEqual(["__proto__", "constructor"]);
    const query = joinQuery("__proto__=1&a=2");
    expect(Object.keys(query ?? {})).toEqual(["__proto__", "a"]);
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });
});

describe("the client certificate", () => {
  it("arrives as API Gateway gives it, when its key is proved", async () => {
    const event = await eventOf(server, { key: device.key, cert: device.cert });
    const certificate = new X509Certificate(device.cert);
    const shown = event.requestContext.authentication?.clientCert;
    expect(new X509Certificate(shown?.clientCertPem ?? "").fingerprint256).toBe(certificate.fingerprint256);
    expect(shown).toMatchObject({
      subjectDN: "CN=pump-1,O=Example",
      issuerDN: "CN=pump-1,O=Example",
      serialNumber: expect.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2})*$/),
      validity: { notBefore: certificate.validFrom, notAfter: certificate.validTo },
    });
  });

  it("is not taken from headers", async () => {
    const headers = { "x-client-cert": encodeURIComponent(device.cert) };
    expect((await eventOf(server, { headers })).requestContext.authentication).toBeUndefined();
  });
});

describe("answers", () => {
  const answering = async (handler: HttpHandler, method = "GET") => {
    const one = await startEcho(listener, handler);
    const answer = await ask(one, { method });
    await one.close();
    return answer;
  };

  it("status, headers and text", async () => {
    const answer = await answering(async () => ({ statusCode: 201, headers: { location: "/x" }, body: "é" }));
    expect(answer).toMatchObject({
      status: 201,
      body: "é",
      headers: { location: "/x", "content-length": "2" },
    });
  });

  it("base64 bodies are octets", async () => {
    const body = Buffer.from([104, 105]).toString("base64");
    const answer = await answering(async () => ({
      statusCode: 200,
      headers: {},
      body,
      isBase64Encoded: true,
    }));
    expect(answer.body).toBe("hi");
  });

  it("RFC 9110 §9.3.2: HEAD has the headers of GET and no body", async () => {
    const answer = await answering(async () => ({ statusCode: 200, headers: {}, body: "12345" }), "HEAD");
    expect(answer).toMatchObject({ status: 200, body: "", headers: { "content-length": "5" } });
  });

  it("RFC 9110 §15.4.5: 304 has no body and no length", async () => {
    const answer = await answering(async () => ({ statusCode: 304, headers: { etag: '"x"' }, body: "" }));
    expect(answer.headers["content-length"]).toBeUndefined();
    expect(answer.headers["etag"]).toBe('"x"');
  });

  it("a handler that fails gets a problem out, not a hanging connection", async () => {
    const answer = await answering(() => Promise.reject(new Error("hunter2")));
    expect(answer.status).toBe(500);
    expect(answer.headers).toMatchObject({ "x-content-type-options": "nosniff", connection: "close" });
    expect(answer.body).not.toContain("hunter2");
  });
});
