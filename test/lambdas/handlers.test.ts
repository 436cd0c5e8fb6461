import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { encodePem } from "../../core/formats/pem.ts";
import { type Handlers, handlersOf } from "../../lambdas/handlers.ts";
import {
  certificateDetails,
  certificatePage,
  enrollmentToken,
  issuedCertificate,
} from "../../lambdas/http/answer-schemas.ts";
import type { HttpResult } from "../../lambdas/http/message.ts";
import { revocation } from "../../lambdas/http/revocation-answers.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, openFleetApp } from "../support/fleet-app.ts";
import { publishTrustOf } from "../support/published-trust.ts";
import { type Caller, deviceOf, operatorOf, tokenOf } from "./fleet-callers.ts";
import { type EventOptions, gatewayEvent, problemOf } from "./gateway-event.ts";

const fleet = "default";
const base = `/v1/fleets/${fleet}`;
let house: FleetApp;
let handlers: Handlers;
let operator: Caller;

beforeAll(async () => {
  house = await openFleetApp({ fleet });
  handlers = handlersOf(house.app);
  operator = await operatorOf(house.app, fleet);
  await publishTrustOf(house.app, fleet);
});
afterAll(() => house.close());

function ask(name: keyof Handlers, options: EventOptions): Promise<HttpResult> {
  return handlers[name](gatewayEvent(options));
}

function bodyOf<Schema extends z.core.$ZodType>(result: HttpResult, schema: Schema): z.output<Schema> {
  return z.parse(schema, JSON.parse(result.body));
}

describe("create an enrolment token", () => {
  const path = `${base}/enrollment-tokens`;
  const json = { "content-type": "application/json" };

  it("201 with the token, which no cache may keep", async () => {
    const body = JSON.stringify({ deviceId: "pump-1", profile: "device", expiresInSeconds: 60 });
    const result = await ask("enrollment", {
      method: "POST",
      path,
      headers: json,
      body,
      certificate: operator.certificate,
    });
    expect(result.statusCode).toBe(201);
    expect(result.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
    const token = bodyOf(result, enrollmentToken);
    expect(token).toMatchObject({ deviceId: "pump-1", profile: "device" });
    expect(token.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it.each([
    ["no body", {}, "request_invalid"],
    ["not JSON", { body: "deviceId=pump-1", headers: json }, "request_invalid"],
    [
      "a form",
      { body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } },
      "media_type_unsupported",
    ],
    ["bytes", { body: Buffer.from([0xff, 0xfe]), headers: json }, "request_invalid"],
    ["a person's id", { body: '{"deviceId":"jane@example.com"}', headers: json }, "name_not_permitted"],
    ["oversize", { body: `"${"a".repeat(70_000)}"`, headers: json }, "request_too_large"],
    [
      "another Accept",
      { body: '{"deviceId":"a1"}', headers: { ...json, accept: "text/html" } },
      "not_acceptable",
    ],
  ])("refused: %s", async (_name, options, code) => {
    const result = await ask("enrollment", {
      method: "POST",
      path,
      certificate: operator.certificate,
      ...options,
    });
    expect(problemOf(result)).toMatchObject({ code });
  });
});

describe("enrol", () => {
  const path = `${base}/certificates`;
  const forms: readonly (readonly [string, (csr: Buffer) => Pick<EventOptions, "body" | "headers">])[] = [
    ["DER", (csr) => ({ body: csr, headers: { "content-type": "application/pkcs10" } })],
    [
      "PEM in base64",
      (csr) => ({ body: Buffer.from(pemOf(csr)), headers: { "content-type": "application/pkcs10" } }),
    ],
    ["PEM as text", (csr) => ({ body: pemOf(csr), headers: { "content-type": "application/pkcs10" } })],
    [
      "bare base64",
      (csr) => ({ body: csr.toString("base64"), headers: { "content-type": "application/pkcs10" } }),
    ],
    [
      "JSON with PEM",
      (csr) => ({
        body: JSON.stringify({ csr: pemOf(csr) }),
        headers: { "content-type": "application/json" },
      }),
    ],
    [
      "JSON with base64",
      (csr) => ({
        body: JSON.stringify({ csr: csr.toString("base64"), profile: "device" }),
        headers: { "content-type": "application/json" },
      }),
    ],
  ];
  const pemOf = (csr: Buffer): string => encodePem("CERTIFICATE REQUEST", csr);

  it.each(forms)("CSR as %s: 201 with Location and a certificate", async (name, form) => {
    const deviceId = `enrol-${name.toLowerCase().replaceAll(" ", "-")}`;
    const authorization = `Bearer ${await tokenOf(house.app, fleet, deviceId)}`;
    const { body, headers } = form(deviceCsr(deviceKey()));
    const result = await ask("enrollment", {
      method: "POST",
      path,
      headers: { authorization, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    expect(result.statusCode).toBe(201);
    const issued = bodyOf(result, issuedCertificate);
    expect(result.headers["location"]).toBe(`${base}/certificates/${issued.serialNumber}`);
    expect(new X509Certificate(issued.certificate).subject).toBe(`CN=${deviceId}`);
  });

  it("RFC 8555 §9.1: the chain as PEM, certificate first, when the client asks for it", async () => {
    const authorization = `bearer ${await tokenOf(house.app, fleet, "chain-1")}`;
    const headers = {
      authorization,
      "content-type": "application/pkcs10",
      accept: "application/pem-certificate-chain",
    };
    const result = await ask("enrollment", { method: "POST", path, headers, body: deviceCsr(deviceKey()) });
    expect(result.headers["content-type"]).toBe("application/pem-certificate-chain");
    const [leaf, issuer] = result.body.split(/(?<=-----END CERTIFICATE-----\n)/);
    const certificate = new X509Certificate(leaf ?? "");
    expect(certificate.checkIssued(new X509Certificate(issuer ?? ""))).toBe(true);
  });

  it("an unacceptable Accept costs no token", async () => {
    const authorization = `Bearer ${await tokenOf(house.app, fleet, "accept-1")}`;
    const headers = { authorization, "content-type": "application/pkcs10" };
    const options = { method: "POST", path, body: deviceCsr(deviceKey()) };
    const first = await ask("enrollment", { ...options, headers: { ...headers, accept: "text/plain" } });
    expect(first.statusCode).toBe(406);
    expect((await ask("enrollment", { ...options, headers })).statusCode).toBe(201);
  });

  const good = `Bearer ${Buffer.alloc(32, 7).toString("base64url")}`;
  it.each([
    ["no Authorization", undefined, "credential_missing"],
    ["empty", "", "credential_missing"],
    ["another scheme", good.replace("Bearer", "Basic"), "credential_invalid"],
    ["no scheme", good.slice(7), "credential_invalid"],
    ["42 characters", good.slice(0, -1), "credential_invalid"],
    ["44 characters", `${good}A`, "credential_invalid"],
    ["bits left over in the last character", `${good.slice(0, -1)}B`, "credential_invalid"],
    ["two tokens, as gateways join repeated headers", `${good},${good}`, "credential_invalid"],
    ["base64 instead of base64url", `${good.slice(0, -2)}+8`, "credential_invalid"],
    ["a megabyte", `Bearer ${"a".repeat(1_000_000)}`, "credential_invalid"],
    ["a token that nobody made", good, "credential_invalid"],
  ])("refused: %s", async (_name, authorization, code) => {
    const headers = {
      "content-type": "application/pkcs10",
      ...(authorization === undefined ? {} : { authorization }),
    };
    const result = await ask("enrollment", { method: "POST", path, headers, body: deviceCsr(deviceKey()) });
    expect(problemOf(result)).toMatchObject({ code, status: 401 });
    expect(result.headers["www-authenticate"]).toMatch(/^Bearer realm=/);
    expect(result.body).not.toContain(good.slice(7));
  });

  it.each([
    ["no body", {}, "csr_malformed"],
    ["no Content-Type", { body: "x" }, "media_type_unsupported"],
    [
      "a profile that is none",
      { body: '{"csr":"","profile":"ca"}', headers: { "content-type": "application/json" } },
      "profile_unknown",
    ],
    [
      "two members of JSON",
      { body: '{"csr":"","san":"x"}', headers: { "content-type": "application/json" } },
      "request_invalid",
    ],
  ])("refused body: %s", async (_name, options: EventOptions, code) => {
    const headers = { authorization: good, ...options.headers };
    const result = await ask("enrollment", { method: "POST", path, ...options, headers });
    expect(problemOf(result)).toMatchObject({ code });
  });
});

describe("renew", () => {
  const path = `${base}/certificates/renew`;
  it("201 for a device and a new key; the profile may be named and not changed", async () => {
    const device = await deviceOf(house.app, fleet, "renew-1");
    const csr = deviceCsr(deviceKey()).toString("base64");
    const options = { method: "POST", path, certificate: device.certificate };
    const headers = { "content-type": "application/json" };
    const other = await ask("enrollment", {
      ...options,
      headers,
      body: JSON.stringify({ csr, profile: "server" }),
    });
    expect(problemOf(other)).toMatchObject({ code: "profile_not_permitted", status: 403 });
    const result = await ask("enrollment", {
      ...options,
      headers,
      body: JSON.stringify({ csr, profile: "device" }),
    });
    expect(result.statusCode).toBe(201);
    expect(new X509Certificate(bodyOf(result, issuedCertificate).certificate).subject).toBe("CN=renew-1");
  });
});

describe("inventory and revocation", () => {
  it("lists, shows and revokes", async () => {
    const { serialNumber } = await deviceOf(house.app, fleet, "listed-1");
    const { certificate } = operator;
    const list = await ask("distribution", {
      path: `${base}/certificates`,
      query: "deviceId=listed-1",
      certificate,
    });
    expect(bodyOf(list, certificatePage).certificates).toMatchObject([{ serialNumber, status: "active" }]);

    const path = `${base}/certificates/${serialNumber}`;
    const shown = await ask("distribution", { path, certificate });
    expect(bodyOf(shown, certificateDetails)).toMatchObject({ serialNumber, subjectId: "listed-1" });

    const revoked = await ask("revocation", { method: "POST", path: `${path}/revocation`, certificate });
    expect(revoked.statusCode).toBe(200);
    expect(bodyOf(revoked, revocation)).toMatchObject({
      serialNumber,
      status: "revoked",
      reason: "unspecified",
    });
    const after = await ask("distribution", { path, certificate });
    expect(bodyOf(after, certificateDetails)).toMatchObject({
      status: "revoked",
      revocationReason: "unspecified",
    });
  });

  it("pages by cursor until there is no more", async () => {
    const seen = new Set<string>();
    let cursor: string | undefined;
    do {
      const query = `limit=2${cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
      const result = await ask("distribution", {
        path: `${base}/certificates`,
        query,
        certificate: operator.certificate,
      });
      const page = bodyOf(result, certificatePage);
      for (const { serialNumber } of page.certificates) seen.add(serialNumber);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen.size).toBeGreaterThan(4);
  });

  it.each([
    ["limit=0", "request_invalid"],
    ["limit=1001", "request_invalid"],
    ["cursor=nonsense", "cursor_invalid"],
    ["page=2", "request_invalid"],
  ])("refused: %s", async (query, code) => {
    const result = await ask("distribution", {
      path: `${base}/certificates`,
      query,
      certificate: operator.certificate,
    });
    expect(problemOf(result)).toMatchObject({ code, status: 400 });
  });

  it.each([
    ["upper case", "4F1C0A9BE27D5583", "request_invalid", 400],
    ["colons", "4f:1c", "request_invalid", 400],
    ["odd length", "4f1", "request_invalid", 400],
    ["21 octets", "4f".repeat(21), "request_invalid", 400],
    ["of no certificate", "4f1c0a9be27d5583", "not_found", 404],
  ])("serial number: %s", async (_name, serialNumber, code, status) => {
    const path = `${base}/certificates/${serialNumber}`;
    const result = await ask("distribution", { path, certificate: operator.certificate });
    expect(problemOf(result)).toMatchObject({ code, status });
  });
});

describe("public routes", () => {
  it("trust.pem: the roots, with an ETag that saves sending them again", async () => {
    const path = `${base}/trust.pem`;
    const result = await ask("distribution", { path });
    expect(result.statusCode).toBe(200);
    expect(result.headers).toMatchObject({
      "content-type": "application/pem-certificate-chain",
      "cache-control": "public, max-age=300",
    });
    expect(new X509Certificate(result.body).ca).toBe(true);
    const etag = result.headers["etag"] ?? "";
    const again = await ask("distribution", { path, headers: { "if-none-match": `"x", W/${etag}` } });
    expect([again.statusCode, again.body]).toEqual([304, ""]);
  });

  it.each(["Default", "DEFAULT", "-default", "default-", "de_fault", "a".repeat(33), "other"])(
    "no fleet is called %s",
    async (name) => {
      const result = await ask("distribution", { path: `/v1/fleets/${name}/trust.pem` });
      expect(problemOf(result)).toMatchObject({ code: "not_found", status: 404 });
    },
  );

  it("openapi.json: the committed document", async () => {
    const result = await ask("distribution", { path: "/openapi.json" });
    expect(JSON.parse(result.body)).toMatchObject({ openapi: "3.1.0" });
  });

  it("healthz: ok, or 503 while the store does not answer", async () => {
    const result = await ask("distribution", { path: "/healthz" });
    expect([result.statusCode, result.body]).toEqual([200, '{"status":"ok"}']);
    const items = { ...house.app.items, get: () => Promise.reject(new Error("disk password is hunter2")) };
    const broken = await handlersOf({ ...house.app, items }).distribution(gatewayEvent());
    expect(problemOf(broken)).toMatchObject({ code: "store_unavailable", status: 503 });
    expect(broken.headers["retry-after"]).toBe("5");
    expect(broken.body).not.toContain("hunter2");
  });
});
