/** OCSP over HTTP: which headers an answer has, and what a cache may do with it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeOcspRequest } from "../../core/formats/ocsp/request.ts";
import type { HttpHandler, HttpResult } from "../../lambdas/http/message.ts";
import { ocspFunction } from "../../lambdas/ocsp/handler.ts";
import {
  type AnsweringFleet,
  certIdFor,
  openAnsweringFleet,
  plainRequest,
  type Subject,
  statusName,
} from "../ocsp/answering-fleet.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";
import { gatewayEvent } from "./gateway-event.ts";

const base = `/v1/fleets/${fleet}/ocsp`;
const kept = "public, max-age=30, no-transform, must-revalidate";

let opened: AnsweringFleet;
let subject: Subject;
let handler: HttpHandler;
beforeAll(async () => {
  opened = await openAnsweringFleet();
  subject = await opened.device();
  handler = ocspFunction(opened.app);
});
afterAll(() => opened.close());

const post = (body: Buffer, headers: Record<string, string> = {}) =>
  handler(
    gatewayEvent({
      method: "POST",
      path: base,
      headers: { "content-type": "application/ocsp-request", ...headers },
      body,
    }),
  );
const getText = (text: string, headers: Record<string, string> = {}) =>
  handler(gatewayEvent({ path: `${base}/${text}`, headers }));
const get = (request: Buffer, headers: Record<string, string> = {}) =>
  getText(encodeURIComponent(request.toString("base64")), headers);

/** Headers of security are every answer's: test/lambdas/stack.test.ts. */
const ownHeaders = ({ headers }: HttpResult) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name === name.toLowerCase()));
const statusOf = ({ body }: HttpResult): string => statusName(Buffer.from(body, "base64"));

const withNonce = () => encodeOcspRequest({ certIds: [certIdFor(subject)], nonce: Buffer.alloc(32, 1) });
const unknownNumber = () =>
  encodeOcspRequest({ certIds: [{ ...certIdFor(subject), serialNumber: "5a".repeat(16) }] });
const type = "application/ocsp-response";

describe("the whole of an answer's headers", () => {
  it("RFC 9919 §6: a kept one, by GET: half a minute, a tag, and no Expires", async () => {
    const answer = await get(plainRequest(subject));
    expect([answer.statusCode, statusOf(answer)]).toEqual([200, "successful"]);
    expect(ownHeaders(answer)).toEqual({
      "content-type": type,
      "cache-control": kept,
      etag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
    });
  });

  it("a kept one, by POST: the same but for the tag", async () => {
    const answer = await post(plainRequest(subject), { "if-none-match": "*" });
    expect([answer.statusCode, statusOf(answer)]).toEqual([200, "successful"]);
    expect(ownHeaders(answer)).toEqual({ "content-type": type, "cache-control": kept });
  });

  it.each([
    { name: "with a nonce", request: withNonce, status: "successful" },
    { name: "unauthorized", request: unknownNumber, status: "unauthorized" },
    { name: "malformedRequest", request: () => Buffer.from("no request"), status: "malformedRequest" },
  ])("$name: no cache keeps it", async ({ request, status }) => {
    for (const answer of [await post(request()), await get(request())]) {
      expect([answer.statusCode, statusOf(answer)]).toEqual([200, status]);
      expect(ownHeaders(answer)).toEqual({ "content-type": type, "cache-control": "no-store" });
    }
  });
});

describe("RFC 9110 §13.1.2: If-None-Match", () => {
  it("of the present answer is 304, with its caching and tag and without a body", async () => {
    const { etag = "" } = (await get(plainRequest(subject))).headers;
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const answer = await get(plainRequest(subject), { "if-none-match": condition });
      expect([answer.statusCode, answer.body]).toEqual([304, ""]);
      expect(ownHeaders(answer)).toEqual({ "cache-control": kept, etag });
    }
  });

  it("of the answer before a revocation is 200: the new one", async () => {
    const device = await opened.device();
    const { etag = "" } = (await get(plainRequest(device))).headers;
    await opened.revoke(device, "keyCompromise");
    const answer = await get(plainRequest(device), { "if-none-match": etag });
    expect([answer.statusCode, statusOf(answer)]).toEqual([200, "successful"]);
    expect(answer.headers["etag"]).not.toBe(etag);
  });
});

describe("a request in the address", () => {
  it("of more than 400 characters is answered too", async () => {
    const certIds = [certIdFor(subject), certIdFor(subject), certIdFor(subject)];
    const text = encodeURIComponent(encodeOcspRequest({ certIds }).toString("base64"));
    expect(text.length).toBeGreaterThan(400);
    const answer = await getText(text);
    expect([answer.statusCode, statusOf(answer)]).toEqual([200, "successful"]);
  });

  it("that is none, as long as the router lets it be, is OCSP's malformedRequest", async () => {
    for (const text of ["A".repeat(401), "A".repeat(512 - base.length - 1), "%E0%A4%A", "A"]) {
      const answer = await getText(text);
      expect([answer.statusCode, statusOf(answer)]).toEqual([200, "malformedRequest"]);
    }
    expect((await getText("A".repeat(512 - base.length))).statusCode).toBe(404);
  });
});
