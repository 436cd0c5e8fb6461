import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { refusalOf as tableRefusal } from "../../adapters/aws/dynamodb/refusals.ts";
import { refusalOf as kmsRefusal } from "../../adapters/aws/kms/refusals.ts";
import { refusalOf as bucketRefusal } from "../../adapters/aws/s3/refusals.ts";
import { refusalOf as topicRefusal } from "../../adapters/aws/sns/refusals.ts";
import { AppError } from "../../core/errors.ts";
import { createLog } from "../../lambdas/http/logger.ts";
import { describeError, redact, redacted } from "../../lambdas/http/redaction.ts";

const token = randomBytes(32).toString("base64url");
const pem = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----";
const jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

const hostile = [
  ["enrolment token", token],
  ["token in a sentence", `token ${token} was refused`],
  ["PEM", pem],
  ["PEM of a private key", "-----BEGIN PRIVATE KEY-----"],
  ["base64 of DER", "MIIBszCCAVmgAwIBAgIUQmFzZTY0"],
  ["JWT", jwt],
  ["Authorization header", "Bearer abc"],
  ["Basic credentials", "basic dXNlcjpwYXNz"],
  ["email address", "jo@example.com"],
  ["email address inside", "device of jo.doe+x@example.co.uk failed"],
  ["SSN", "123-45-6789"],
  ["SSN without separators", "123456789"],
  ["SSN inside", "patient 123 45 6789 called"],
  ["date of birth", "1980-02-29"],
  ["date of birth inside", "pump-1980-02-29"],
  ["telephone number", "+1 (555) 010-9999"],
  ["distinguished name", "CN=Jane Doe,O=Clinic"],
  ["query string", "/v1/fleets/default/certificates?deviceId=jane"],
  ["user information in a URL", "https://user:pw@example.test/"],
  ["long base64", randomBytes(64).toString("base64")],
  ["much text", "a ".repeat(400)],
] as const;

describe("a value that looks like a secret or a personal datum is not written, in any field", () => {
  for (const field of [
    "reason",
    "detail",
    "task",
    "subjectId",
    "deviceId",
    "code",
    "fleet",
    "route",
    "requestId",
    "serialNumber",
    "errorName",
  ]) {
    it.each(hostile)(`${field}: %s`, (_name, value) => {
      expect(redact({ [field]: value })).toEqual({ [field]: redacted });
    });
  }
  it.each(Array.from({ length: 200 }, () => randomBytes(32).toString("base64url")))("token %#", (each) => {
    expect(redact({ reason: each })).toEqual({ reason: redacted });
  });
});

describe("a field that is not on the list loses its value", () => {
  it.each([
    "body",
    "authorization",
    "token",
    "csr",
    "certificate",
    "clientCert",
    "subject",
    "email",
    "name",
    "query",
    "rawQueryString",
    "headers",
    "message",
    "constructor",
  ])("%s", (field) => {
    expect(redact({ [field]: "plain" })).toEqual({ [field]: redacted });
  });
  it("a field name may not carry a value either", () => {
    expect(redact({ "jo@example.com": true, "123-45-6789": 1 })).toEqual({});
  });
  it("a number hides in no text field, and text in no measure", () => {
    expect(redact({ reason: 123_456_789, status: "200" })).toEqual({ reason: redacted, status: redacted });
  });
});

describe("what operators need is written", () => {
  it.each([
    [{ requestId: "563de830-a81e-4c7e-ac6b-336e34f95ecf" }],
    [{ requestId: "JKJaXmPLvHcESHA=" }],
    [{ route: "enroll", status: 201, durationMs: 12.5 }],
    [{ code: "client_certificate_revoked", fleet: "default" }],
    [{ serialNumber: "4f1c0a9be27d5583a6c1d02b94e7f318" }],
    [{ crlShard: "2026-11-26.7d" }],
    [{ crlShard: "complete" }],
    [{ pending: 2, oldestPendingSeconds: 61, slowestSeconds: 75, failed: 1 }],
    [{ authorityId: "issuing-1", crlShard: "2026-11-26.7d", octets: 4_100_000 }],
    [{ serialNumber: "12345678901234567890" }],
    [{ authorityId: "issuing-1", algorithm: "P-256", profile: "device" }],
    [{ url: "https://127.0.0.1:8443" }],
    [{ task: "listener_renewal", code: "internal" }],
    [{ subjectId: "operator-1", deviceId: "pump-0042" }],
    [{ deviceId: "563de830-a81e-4c7e-ac6b-336e34f95ecf" }],
    [{ detail: "the disk of the item database is full; free space and try again" }],
    [{ finished: 1, closed: 0, failed: 2, attempt: 3 }],
  ])("%j", (fields) => {
    expect(redact(fields)).toEqual(fields);
  });
});

describe("patterns take time in proportion to what they read", () => {
  it.each([
    ["digits", "1".repeat(500)],
    ["digits and spaces", "1 ".repeat(250)],
    ["at signs", "a@".repeat(250)],
    ["dots", "eyJ.".repeat(120)],
    ["query", "?a".repeat(250)],
  ])("%s", (_name, value) => {
    const started = performance.now();
    for (let round = 0; round < 200; round += 1) redact({ reason: value });
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("ids that a policy keeps opaque are looked at once more", () => {
  it.each(["jane.at.example.com", "dob-1", "01.02.1980", "2125550123"])("%s", (subjectId) => {
    expect(redact({ subjectId, deviceId: subjectId })).toEqual({ subjectId: redacted, deviceId: redacted });
  });
});

describe("an AppError's own words are written, as far as they look harmless", () => {
  const full = "the disk of the item database is full; free space and try again";
  it("its message is the detail", () => {
    const described = describeError(new AppError("store_unavailable", full));
    expect(redact({ ...described })).toMatchObject({ errorName: "AppError", detail: full });
  });
  it.each(hostile)("but not with %s in it", (_name, value) => {
    const described = describeError(new AppError("internal", `this failed: ${value}`));
    expect(redact({ ...described })).toMatchObject({ detail: redacted });
  });
  const account = "arn:aws:kms:eu-central-1:123456789012";
  const denied = Object.assign(new Error("denied"), { name: "AccessDeniedException" });
  it.each([
    ["KMS", kmsRefusal("kms:Sign", `${account}:key/0b7cd2a1-2f7e-4f0e-9c1a-1f0b5a6c7d8e`, denied)],
    ["KMS", kmsRefusal("kms:GetPublicKey", "alias/fleetkey/production/infusion-pumps-issuing-1", denied)],
    ["DynamoDB", tableRefusal("Fleetkey-production-State-StateTableItems8D5F8163-1QZ7K2M4X9C3", denied)],
    ["S3", bucketRefusal("fleetkey-production-stat-statebucketstruststores0a1b2c3d-x9y8z7w6v5u4", denied)],
    [
      "SNS",
      topicRefusal(
        "arn:aws:sns:eu-central-1:123456789012:Fleetkey-prod-State-StateNotices5F8163-1QZ",
        denied,
      ),
    ],
  ])("what %s refuses is told whole: which resource, and what to do", (_name, error) => {
    const described = describeError(error);
    expect(described.detail?.length).toBeGreaterThan(60);
    expect(redact({ ...described })).toMatchObject({ detail: error.message });
  });
  it.each(hostile)("nor with %s after the name of a resource", (_name, value) => {
    const described = describeError(new AppError("internal", `table Items: ${value}`));
    expect(redact({ ...described })).toMatchObject({ detail: redacted });
  });
  it("the words of its cause are not", () => {
    const cause = new Error("password is hunter2");
    const described = describeError(new AppError("store_unavailable", full, { cause }));
    expect(JSON.stringify(redact({ ...described }))).not.toContain("hunter2");
  });
});

describe("errors: where, never what", () => {
  it("keeps names of functions and files, drops the message", () => {
    const { errorName, stack } = describeError(
      new TypeError(`${token}\n    at jo@example.com (evil.ts:1:1)`),
    );
    expect(errorName).toBe("TypeError");
    expect(stack).toContain("redaction.test.ts");
    expect(stack).not.toContain(token);
    expect(stack).not.toContain("jo@example.com");
    expect(stack).not.toContain("/");
  });
  it.each([["text"], [undefined], [{ message: token }]])("thrown %s", (thrown) => {
    expect(JSON.stringify(describeError(thrown))).not.toContain(token);
  });
});

it("a line is one line of JSON with time, level and event, and its event is a word", () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), now: () => 0, minimum: "warn" });
  log.info("dropped");
  log.warn("serial_number_taken", { fleet: "default", attempt: 2 });
  log.error(`failed for jo@example.com\n${token}`);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      time: "1970-01-01T00:00:00.000Z",
      level: "warn",
      event: "serial_number_taken",
      fleet: "default",
      attempt: 2,
    },
    { time: "1970-01-01T00:00:00.000Z", level: "error", event: redacted },
  ]);
  expect(lines.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
});
