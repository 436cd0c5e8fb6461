import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { distributionFunction, distributionHandlers } from "../../lambdas/distribution/handler.ts";
import { enrollmentHandlers } from "../../lambdas/enrollment/handler.ts";
import { handlersOf } from "../../lambdas/handlers.ts";
import { type LogFields, redact } from "../../lambdas/http/redaction.ts";
import { httpHandler } from "../../lambdas/http/stack.ts";
import { ocspHandlers } from "../../lambdas/ocsp/handler.ts";
import { revocationHandlers } from "../../lambdas/revocation/handler.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import { emptyApp, gatewayEvent, problemOf, requestId } from "./gateway-event.ts";

describe("routes and handlers are the same set", () => {
  const app = emptyApp();
  const handlers = {
    enrollment: Object.keys(enrollmentHandlers(app)),
    distribution: Object.keys(distributionHandlers(app)),
    revocation: Object.keys(revocationHandlers(app)),
    ocsp: Object.keys(ocspHandlers(app)),
  };
  it.each(["enrollment", "distribution", "revocation", "ocsp"] as const)("%s", (name) => {
    const ids = routes.filter((route) => route.function === name).map(({ id }) => id);
    expect(handlers[name].toSorted()).toEqual(ids.toSorted());
  });
  it("ids are unique, and only what signs may touch a key", () => {
    expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
    const signing = routes.filter(({ touches }) => touches.keys === "issue").map(({ id }) => id);
    expect(signing).toEqual([
      "enroll",
      "renew",
      "createClaim",
      "certifyOperator",
      "createBackendCertificate",
      "renewBackendCertificate",
    ]);
    const responding = routes.filter(({ touches }) => touches.keys === "respond").map(({ id }) => id);
    expect(responding).toEqual(["postOcsp", "getOcsp"]);
  });
  it("whatever writes asks for a credential, but for the challenge that comes before one", () => {
    const rows: readonly Route[] = routes;
    const open = rows.filter(({ access, touches }) => access === "public" && touches.items === "write");
    // 32 random octets, forgotten after five minutes; the gateway throttles who asks for more.
    expect(open.map(({ id }) => id)).toEqual(["createChallenge"]);
    // An OCSP answer is kept for the next one who asks for the same certificate.
    const answering = rows.filter(({ touches }) => touches.items === "answer").map(({ id }) => id);
    expect(answering).toEqual(["postOcsp", "getOcsp"]);
    const probing = rows.filter(({ touches }) => touches.items === "probe").map(({ id }) => id);
    expect(probing).toEqual(["getHealth"]);
  });
});

describe("a function answers only for its own routes", () => {
  it.each(routes)("$id", async (route) => {
    const handlers = handlersOf(emptyApp());
    const path = route.path.replace("{fleet}", "default").replace("{serialNumber}", "4f1c0a9be27d5583");
    const others = (["enrollment", "distribution", "revocation", "ocsp"] as const).filter(
      (id) => id !== route.function,
    );
    for (const other of others) {
      const result = await handlers[other](gatewayEvent({ method: route.method, path }));
      expect(result.statusCode).toBe(404);
    }
  });
});

describe("security headers stand on every answer", () => {
  it.each([
    ["success", gatewayEvent()],
    ["problem", gatewayEvent({ path: "/nothing" })],
    ["refused method", gatewayEvent({ method: "PUT" })],
  ])("%s", async (_name, event) => {
    const { headers } = await distributionFunction(emptyApp())(event);
    expect(headers).toMatchObject({
      "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
      "cache-control": "no-store",
    });
    expect(headers["Content-Security-Policy"]).toContain("default-src 'none'");
  });
});

it("RFC 9110 §15.5.6: 405 names what the path takes", async () => {
  const result = await distributionFunction(emptyApp())(gatewayEvent({ method: "PUT" }));
  expect(result.statusCode).toBe(405);
  expect(result.headers["allow"]).toBe("GET, HEAD");
});

it("headers in any case are understood, repeated names joined", async () => {
  const handler = distributionFunction(emptyApp());
  const refused = await handler(gatewayEvent({ headers: { Accept: "text/html" } }));
  expect(refused.statusCode).toBe(406);
  const joined = await handler(
    gatewayEvent({ headers: { Accept: "text/html", ACCEPT: "application/json" } }),
  );
  expect(joined.statusCode).toBe(200);
});

describe("one log line a request, and nothing in it that the caller wrote", () => {
  it("success", async () => {
    const app = emptyApp();
    await distributionFunction(app)(gatewayEvent());
    expect(app.lines).toEqual([
      {
        level: "info",
        event: "request",
        fields: {
          requestId,
          route: "getHealth",
          status: 200,
          durationMs: 0,
          decision: "allow",
          caller: "public",
        },
      },
    ]);
  });

  it("refusal, with hostile path, query and headers", async () => {
    const app = emptyApp();
    const path = "/v1/fleets/jane-123-45-6789/certificates/jane@example.com";
    await distributionFunction(app)(
      gatewayEvent({ path, query: "ssn=123-45-6789", headers: { authorization: "Bearer hunter2" } }),
    );
    expect(app.lines).toHaveLength(1);
    const written = JSON.stringify(app.lines);
    for (const secret of ["jane", "6789", "hunter2", "ssn"]) expect(written).not.toContain(secret);
  });

  it("an unexpected failure is an error line with a place, and a problem with an id", async () => {
    const app = emptyApp();
    const failing = httpHandler<"distribution">(app, {
      ...distributionHandlers(app),
      getHealth: () => Promise.reject(new RangeError("password is hunter2")),
    });
    const result = await failing(gatewayEvent());
    expect(problemOf(result)).toEqual({
      type: "urn:fleetkey:problem:internal",
      title: "Internal error",
      status: 500,
      code: "internal",
      instance: `urn:fleetkey:request:${encodeURIComponent(requestId)}`,
    });
    expect(app.lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
      "error request_failed",
      "info request",
    ]);
    expect(app.lines[0]?.fields).toMatchObject({ code: "internal", errorName: "RangeError" });
    expect(JSON.stringify(app.lines)).not.toContain("hunter2");
  });

  it("an expected failure of the service says in the log, not in the answer, what to do about it", async () => {
    const app = emptyApp();
    const full = "the disk of the item database is full; free space and try again";
    const failing = httpHandler<"distribution">(app, {
      ...distributionHandlers(app),
      getHealth: () => Promise.reject(new AppError("store_unavailable", full)),
    });
    const result = await failing(gatewayEvent());
    expect(problemOf(result)).not.toHaveProperty("detail");
    expect(app.lines[0]).toMatchObject({ event: "request_failed", fields: { detail: full } });
    expect(redact(app.lines[0]?.fields as LogFields)).toMatchObject({ requestId, detail: full });
  });

  it("whatever a handler throws, the caller gets a problem", async () => {
    for (const thrown of [undefined, null, 0, "text", Symbol("x"), { statusCode: 200, body: "{}" }]) {
      const app = emptyApp();
      const failing = httpHandler<"distribution">(app, {
        ...distributionHandlers(app),
        getHealth: () => Promise.reject(thrown),
      });
      expect((await failing(gatewayEvent())).statusCode).toBe(500);
    }
  });
});

it("requests that run at the same time do not see each other", async () => {
  const app = emptyApp();
  const handler = distributionFunction(app);
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      handler(gatewayEvent(index % 2 === 0 ? {} : { method: "PUT" })),
    ),
  );
  results.forEach((result, index) => {
    expect(result.statusCode).toBe(index % 2 === 0 ? 200 : 405);
    expect(result.headers["allow"]).toBe(index % 2 === 0 ? undefined : "GET, HEAD");
  });
});

describe("members that a gateway leaves out and an emulator of it sends as null", () => {
  it("mean the same", async () => {
    const handler = distributionFunction(emptyApp());
    const event = gatewayEvent();
    const requestContext = { ...event.requestContext, authentication: null };
    const odd = { ...event, requestContext, body: null, queryStringParameters: null };
    expect((await handler(odd)).statusCode).toBe(200);
    const list = gatewayEvent({ path: "/v1/fleets/default/certificates" });
    const refused = await handler({ ...odd, rawPath: list.rawPath });
    expect(problemOf(refused)).toMatchObject({ code: "client_certificate_required" });
  });
});
