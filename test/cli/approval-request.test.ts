import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { type RunOptions, runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const approvalId = "0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e";
const body = { roles: ["auditor"] };

let service: FakeService;
beforeEach(async () => {
  service = await startFakeService();
  service.intercept = ({ path, body: sent }) => {
    if (!path.endsWith("/approvals")) return undefined;
    const { operation, parameters, body: asked } = JSON.parse(sent) as Record<string, unknown>;
    const answer = {
      approvalId,
      operation,
      critical: "roleChange",
      parameters,
      body: asked,
      operationDigest: "00".repeat(32),
      challenge: "A".repeat(43),
      state: "requested",
      persons: 2,
      requestedBy: "operator-1",
      approvedBy: [],
      createdAt: "2026-01-01T00:00:00Z",
      expiresAt: "2026-01-01T00:15:00Z",
    };
    return { status: 201, body: answer };
  };
});
afterEach(() => service.close());

const request = (argv: readonly string[], options: RunOptions = {}) =>
  runCli(["approval", "request", ...argv, ...service.flags], options);

function bodyFile(content: string): string {
  const path = join(temporaryDirectory(), "body.json");
  writeFileSync(path, content);
  return path;
}

describe("approval request", () => {
  it("sends operation, parameters and body; stdout holds the id alone, stderr where to approve", async () => {
    const file = bodyFile(JSON.stringify(body));
    const argv = ["changeOperator", "--param", "operatorId=operator-2", "--body", file];
    const { code, stdout, stderr } = await request(argv);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${approvalId}\n` });
    // The service did not say where its page is: passkeys are the name's, so never the address's.
    const { port } = new URL(service.url);
    expect(stderr).toContain("roleChange needs 2 people to approve it, before 2026-01-01T00:15:00Z");
    expect(stderr).toContain(`https://localhost:${port}/passkeys#fleet=default&approval=${approvalId}`);
    expect(JSON.parse(service.requests.at(-1)?.body ?? "")).toEqual({
      operation: "changeOperator",
      parameters: { operatorId: "operator-2" },
      body,
    });
  });

  it("reads the body from stdin for -, however it is cut", async () => {
    const { code, stdout } = await request(["changeOperator", "--body", "-", "--json"], {
      stdin: JSON.stringify({ note: "é" }),
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ approvalId, body: { note: "é" }, parameters: {} });
  });

  const malformed = [
    { name: "no JSON", content: "{" },
    { name: "a list", content: "[]" },
    { name: "null", content: "null" },
    { name: "nothing", content: "" },
  ];
  it.each(malformed)("refuses a body that is $name with exit 5, before it is sent", async ({ content }) => {
    const { code, stderr } = await request(["changeOperator", "--body", bodyFile(content)]);
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining("[body_malformed]") });
    expect(service.requests).toEqual([]);
  });

  it("refuses more than 300,000 octets, from a file or from stdin", async () => {
    const large = JSON.stringify({ text: "x".repeat(300_000) });
    expect(await request(["changeOperator", "--body", bodyFile(large)])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/has 300011 bytes; at most 300000 are read \[file_too_large\]/),
    });
    expect(await request(["changeOperator", "--body", "-"], { stdin: large })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("more than 300000 octets"),
    });
    expect(service.requests).toEqual([]);
  });

  it.each(["operatorId", "=x", "operatorId=", "operatorId=a,,b=c", "a b=c"])(
    "refuses --param %s with exit 2",
    async (text) => {
      const { code, stderr } = await request(["changeOperator", "--body", "-", `--param=${text}`]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("is not NAME=VALUE") });
    },
  );

  it("tells what the service says of an operation that needs no approval", async () => {
    service.intercept = () => problemAnswer(400, "request_invalid");
    expect(await request(["enroll", "--body", "-"], { stdin: "{}" })).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("detail of request_invalid [request_invalid]"),
    });
  });
});
