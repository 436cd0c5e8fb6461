import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { Agent, createServer, request as httpsRequest, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forwardedCertificateHeader } from "../../scripts/rehearsal/forwarded-certificate.ts";
import { type Front, forwardedHeaders, startFront } from "../../scripts/rehearsal/front.ts";
import { makeServerFiles, type ServerFiles } from "../../scripts/rehearsal/throwaway-authority.ts";
import { makeFakeAuthority } from "../cli/fake-authority.ts";
import { opensslInstalled } from "../support/openssl.ts";

const directory = mkdtempSync(join(tmpdir(), "fleetkey-front-"));
let server: ServerFiles;
let target: Server;
let front: Front;
const seen: {
  method?: string | undefined;
  url?: string | undefined;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}[] = [];

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly cert?: string;
  readonly key?: string;
}

async function send({ headers = {}, body, cert, key }: Sent): Promise<{ status: number; text: string }> {
  const credential = cert === undefined ? {} : { cert, key };
  const agent = new Agent({ ca: readFileSync(server.authority), ...credential });
  const method = body === undefined ? "GET" : "POST";
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const outgoing = httpsRequest(`${front.url}/v1/x?y=1`, { agent, method, headers }, async (response) => {
    let text = "";
    for await (const chunk of response) text += String(chunk);
    resolve({ status: response.statusCode ?? 0, text });
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise.finally(() => agent.destroy());
}

describe.skipIf(!opensslInstalled)("the front, with certificates that OpenSSL makes", () => {
  beforeAll(async () => {
    server = await makeServerFiles(directory);
    const tls = { cert: readFileSync(server.chain), key: readFileSync(server.key) };
    target = createServer(tls, async (incoming, response) => {
      let body = "";
      for await (const chunk of incoming) body += String(chunk);
      seen.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
      response.writeHead(207, { "x-answer": "kept" }).end("answer");
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(target.address() as AddressInfo).port}`;
    // Known only after the front has begun to listen.
    const { promise: host, resolve } = Promise.withResolvers<string>();
    front = await startFront({ server, target: url, host });
    setImmediate(() => resolve("abc.execute-api.localhost"));
  });
  afterAll(async () => {
    await front.close();
    target.close();
    rmSync(directory, { recursive: true });
  });

  it("passes method, path, query, body and answer on, under the API's host name", async () => {
    expect(await send({ body: "a body", headers: { "content-type": "text/plain" } })).toEqual({
      status: 207,
      text: "answer",
    });
    expect(seen.at(-1)).toMatchObject({
      method: "POST",
      url: "/v1/x?y=1",
      body: "a body",
      headers: { host: "abc.execute-api.localhost", "content-type": "text/plain" },
    });
  });

  it("passes on the certificate whose key the client proved to hold, whoever signed it", async () => {
    const stranger = makeFakeAuthority().issueServer("127.0.0.1");
    await send({ cert: stranger.certificate, key: stranger.privateKey });
    const forwarded = String(seen.at(-1)?.headers[forwardedCertificateHeader]);
    expect(decodeURIComponent(forwarded)).toBe(stranger.certificate);
  });

  it.each([
    { name: "no certificate", credential: {} },
    { name: "another certificate", credential: makeFakeAuthority().issueServer("127.0.0.1") },
  ])("drops what a client with $name claims in the header", async ({ credential }) => {
    const claimed = encodeURIComponent(makeFakeAuthority().root);
    const own =
      "certificate" in credential ? { cert: credential.certificate, key: credential.privateKey } : {};
    await send({ ...own, headers: { "X-Rehearsal-Client-CERTIFICATE": claimed } });
    const forwarded = seen.at(-1)?.headers[forwardedCertificateHeader];
    expect(forwarded).toBe(
      "certificate" in credential ? encodeURIComponent(credential.certificate) : undefined,
    );
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)("speaks %s, and no plain HTTP", async (version) => {
    const { port } = new URL(front.url);
    const ca = readFileSync(server.authority);
    const options = { host: "127.0.0.1", port: Number(port), ca, minVersion: version, maxVersion: version };
    const protocol = await new Promise((resolve, reject) => {
      const socket = connect(options, () => resolve(socket.end().getProtocol()));
      socket.on("error", reject);
    });
    expect(protocol).toBe(version);
    const plain = new Promise((resolve, reject) =>
      request(`http://127.0.0.1:${port}/`, resolve).on("error", reject).end(),
    );
    await expect(plain).rejects.toThrow();
  });
});

describe("forwarded headers", () => {
  it("RFC 9110 §7.6.1: what concerns one connection stays there, and what Connection names", () => {
    const headers = {
      connection: "close, X-One",
      "x-one": "1",
      te: "trailers",
      upgrade: "h2c",
      accept: "a/b",
    };
    expect(forwardedHeaders(headers, "api", undefined)).toEqual({ accept: "a/b", host: "api" });
  });
});
