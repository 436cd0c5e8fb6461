import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { listCertificatesQuery } from "../../lambdas/http/inventory-schemas.ts";
import { executeRevocationRequest, revocationRequest } from "../../lambdas/http/revocation-schemas.ts";
import { certificationRequest, createEnrollmentTokenRequest, parse } from "../../lambdas/http/schemas.ts";

function refusal(act: () => unknown): { code: string; message: string } {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: "none", message: "" };
}

describe("create-token bodies", () => {
  const read = (body: unknown) => parse(createEnrollmentTokenRequest, body, "body");
  it.each([
    [{ deviceId: "pump-1" }],
    [{ deviceId: "A", profile: "device" }],
    [{ deviceId: "a".repeat(64), expiresInSeconds: 1 }],
    [{ deviceId: "0._-", expiresInSeconds: 2_592_000, profile: "server" }],
  ])("accepted: %j", (body) => {
    expect(read(body)).toEqual(body);
  });

  it.each([
    ["not an object", [], "request_invalid", "body: must be an object"],
    ["null", null, "request_invalid", "body: must be an object"],
    ["text", "pump-1", "request_invalid", "body: must be an object"],
    ["nothing", {}, "request_invalid", "body: deviceId is required"],
    ["null member", { deviceId: null }, "request_invalid", "body: deviceId must be 1 to 64"],
    ["number", { deviceId: 7 }, "request_invalid", "body: deviceId must be 1 to 64"],
    ["empty", { deviceId: "" }, "name_not_permitted", "body: deviceId must be 1 to 64"],
    ["65 characters", { deviceId: "a".repeat(65) }, "name_not_permitted", "body: deviceId must be 1 to 64"],
    ["email address", { deviceId: "jo@example.com" }, "name_not_permitted", "body: deviceId must be"],
    ["line break", { deviceId: "pump-1\n" }, "name_not_permitted", "body: deviceId must be"],
    ["NUL", { deviceId: "pump\u0000" }, "name_not_permitted", "body: deviceId must be"],
    ["Cyrillic", { deviceId: "рump-1" }, "name_not_permitted", "body: deviceId must be"],
    [
      "profile of an authority",
      { deviceId: "a", profile: "root" },
      "profile_unknown",
      "body: profile must be one of",
    ],
    [
      "profile in another case",
      { deviceId: "a", profile: "Device" },
      "profile_unknown",
      "body: profile must",
    ],
    [
      "profile by prototype",
      { deviceId: "a", profile: "__proto__" },
      "profile_unknown",
      "body: profile must",
    ],
    [
      "lifetime 0",
      { deviceId: "a", expiresInSeconds: 0 },
      "request_invalid",
      "body: expiresInSeconds must be",
    ],
    [
      "lifetime as text",
      { deviceId: "a", expiresInSeconds: "60" },
      "request_invalid",
      "body: expiresInSeconds",
    ],
    [
      "lifetime in parts",
      { deviceId: "a", expiresInSeconds: 1.5 },
      "request_invalid",
      "body: expiresInSeconds",
    ],
    [
      "too long a lifetime",
      { deviceId: "a", expiresInSeconds: 2_592_001 },
      "request_invalid",
      "1 to 2592000",
    ],
    ["infinite", { deviceId: "a", expiresInSeconds: Infinity }, "request_invalid", "body: expiresInSeconds"],
    [
      "stray member",
      { deviceId: "a", admin: true },
      "request_invalid",
      "allowed: deviceId, profile, expiresInSeconds",
    ],
    [
      "__proto__ member",
      JSON.parse('{"deviceId":"a","__proto__":{}}'),
      "request_invalid",
      "allowed: deviceId",
    ],
  ])("refused: %s", (_name, body, code, message) => {
    const found = refusal(() => read(body));
    expect(found.code).toBe(code);
    expect(found.message).toContain(message);
  });

  it("a refusal never repeats what was sent, names of members included", () => {
    const body = { deviceId: "jane.doe@example.com", "123-45-6789": 1 };
    const { message } = refusal(() => read(body));
    expect(message).not.toContain("jane");
    expect(message).not.toContain("6789");
  });
});

describe("list queries", () => {
  const read = (query: Record<string, string>) => parse(listCertificatesQuery, query, "query");
  it.each([
    [{}],
    [{ limit: "1" }],
    [{ limit: "1000" }],
    [{ deviceId: "pump-1", limit: "999", cursor: "abc_-" }],
  ])("accepted: %j", (query) => {
    expect(read(query)).toEqual(query);
  });
  it.each([
    [{ limit: "0" }],
    [{ limit: "1001" }],
    [{ limit: "-1" }],
    [{ limit: "01" }],
    [{ limit: "1e2" }],
    [{ limit: "0x10" }],
    [{ limit: " 5" }],
    [{ limit: "5,6" }],
    [{ limit: "" }],
    [{ limit: "١" }],
    [{ cursor: "" }],
    [{ cursor: "a b" }],
    [{ cursor: "a".repeat(2_049) }],
    [{ offset: "1" }],
  ])("refused: %j", (query) => {
    expect(refusal(() => read(query as Record<string, string>)).code).toBe("request_invalid");
  });
});

describe("other bodies", () => {
  it.each([
    ["certificateHold", "none"],
    ["removeFromCRL", "request_invalid"],
    ["keycompromise", "request_invalid"],
    ["keyCompromise", "none"],
    ["unspecified", "none"],
  ])("revocation for %s: %s", (reason, code) => {
    expect(refusal(() => parse(revocationRequest, { reason }, "body")).code).toBe(code);
  });
  it("a CSR is text", () => {
    expect(refusal(() => parse(certificationRequest, { csr: [1, 2] }, "body")).message).toContain(
      "csr must be",
    );
    expect(refusal(() => parse(certificationRequest, {}, "body")).message).toContain("csr is required");
  });
});

describe("bodies of the execution of a bulk revocation", () => {
  const read = (body: unknown) => parse(executeRevocationRequest, body, "body");
  it("accepted: the number of certificates", () => {
    expect(read({ certificates: 312 })).toEqual({ certificates: 312 });
  });

  const wanted = "body: certificates must be a whole number from 1 on, as the job has counted";
  it.each([
    [{}, "body: certificates is required"],
    [{ certificates: 0 }, wanted],
    [{ certificates: -1 }, wanted],
    [{ certificates: 2.5 }, wanted],
    [{ certificates: "312" }, wanted],
    [{ certificates: null }, wanted],
  ])("refused: %j", (body, message) => {
    expect(refusal(() => read(body))).toEqual({ code: "request_invalid", message });
  });
});
