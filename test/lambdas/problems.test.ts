import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { problem as problemSchema } from "../../lambdas/http/answer-schemas.ts";
import { type Problem, problemResult, problems } from "../../lambdas/http/problems.ts";

const rows = Object.entries<Problem>(problems).map(([code, row]) => ({ code: code as ErrorCode, ...row }));
const secret = "detail with value, limit and remedy";

describe("RFC 9457: every code has its rendering", () => {
  it.each(rows)("$code is $status", ({ code, status, title, detail }) => {
    const result = problemResult(new AppError(code, secret), "request-1");
    expect(result.statusCode).toBe(status);
    expect(result.headers).toMatchObject({
      "content-type": "application/problem+json",
      "cache-control": "no-store",
    });
    expect(JSON.parse(result.body)).toEqual({
      type: `urn:fleetkey:problem:${code}`,
      title,
      status,
      code,
      ...(detail === false ? {} : { detail: secret }),
      instance: "urn:fleetkey:request:request-1",
    });
    expect(z.safeParse(problemSchema, JSON.parse(result.body)).success).toBe(true);
  });

  it.each(rows.filter(({ status }) => status >= 500 || status < 400))(
    "$code is the service's own fault, or a passing one, and says so",
    ({ status, detail, retryAfter }) => {
      expect(status === 500 ? detail === false : retryAfter !== undefined).toBe(true);
    },
  );

  it.each(rows.filter(({ status }) => status === 401))(
    "RFC 9110 §11.6.1: 401 $code carries a challenge",
    ({ code, challenge }) => {
      const { headers } = problemResult(new AppError(code, "x"), "r");
      expect(challenge).toBeDefined();
      expect(headers["www-authenticate"]).toBe(challenge);
    },
  );

  it.each(rows.filter(({ status }) => status !== 401))("$code carries no challenge", ({ code }) => {
    expect(problemResult(new AppError(code, "x"), "r").headers["www-authenticate"]).toBeUndefined();
  });
});

describe("what was not expected is 500 with an id and nothing else", () => {
  it.each([
    ["Error", new Error("password is hunter2")],
    ["TypeError", new TypeError("x is undefined")],
    ["string", "a thrown string"],
    ["null", null],
    ["undefined", undefined],
    ["look-alike", { code: "not_found", message: "not ours", statusCode: 200 }],
  ])("%s", (_name, thrown) => {
    const result = problemResult(thrown, "abc");
    expect(result.statusCode).toBe(500);
    expect(JSON.parse(result.body)).toEqual({
      type: "urn:fleetkey:problem:internal",
      title: "Internal error",
      status: 500,
      code: "internal",
      instance: "urn:fleetkey:request:abc",
    });
  });
});

describe("Retry-After, RFC 9110 §10.2.3: whole seconds, at least one", () => {
  it.each([
    [30, "30"],
    [0.2, "1"],
    [1.5, "2"],
    [0, "1"],
  ])("%d becomes %s", (retryAfter, header) => {
    const error = new AppError("issuance_in_progress", "x", { retryAfter });
    expect(problemResult(error, "r").headers["retry-after"]).toBe(header);
  });

  it("the table's own when the error names none", () => {
    expect(problemResult(new AppError("store_unavailable", "x"), "r").headers["retry-after"]).toBe("5");
    expect(problemResult(new AppError("not_found", "x"), "r").headers["retry-after"]).toBeUndefined();
  });
});

it("an instance is a URI whatever the gateway's request id holds", () => {
  const { instance } = JSON.parse(problemResult(new AppError("not_found", "x"), 'a b"/<').body);
  expect(instance).toBe("urn:fleetkey:request:a%20b%22%2F%3C");
});
