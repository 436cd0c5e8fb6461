/** Waiting for a server's certificate: what passes, what does not, and names given in either way. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ServerCertificate } from "../../lambdas/http/server-answers.ts";
import { ok, serverView } from "./fake-rotation.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { type RunOptions, runCli } from "./run-cli.ts";

let service: FakeService;
let looks: Partial<ServerCertificate>[];
beforeEach(async () => {
  service = await startFakeService();
  looks = [{}];
  service.intercept = ({ path }) => {
    if (!path.includes("/server-certificates")) return undefined;
    return ok(serverView(looks.length > 1 ? looks.shift() : looks[0]));
  };
});
afterEach(() => service.close());

const run = (argv: readonly string[], options: RunOptions = {}) =>
  runCli(["server-cert", ...argv, ...service.flags], options);
const request = ["request", "ingest-eu", "--dns", "api.example.com"];

const held = {
  state: "current",
  certificateId: "certificate-1",
  serialNumber: "0a",
  notAfter: "2026-04-01T00:00:00Z",
} as const;

describe("server-cert request", () => {
  it.each([
    { how: "with the flag again", argv: ["--dns", "b.example.com"] },
    { how: "with commas", argv: ["--dns", "b.example.com,"], code: 2 },
    { how: "as a list", argv: ["--dns=b.example.com"] },
    { how: "with an empty one", argv: ["--dns="], code: 2 },
  ])("takes names $how", async ({ argv, code = 0 }) => {
    looks = [held];
    expect((await run([...request, ...argv])).code).toBe(code);
    const sent = service.requests.map(({ body }) => JSON.parse(body) as object);
    const dnsNames = ["api.example.com", "b.example.com"];
    expect(sent).toEqual(code === 0 ? [{ name: "ingest-eu", dnsNames, keyAlgorithm: "P-256" }] : []);
  });

  it("takes names with commas in one flag", async () => {
    looks = [held];
    await run(["request", "ingest-eu", "--dns", "a.example.com, b.example.com"]);
    expect(JSON.parse(service.requests[0]?.body ?? "")).toMatchObject({
      dnsNames: ["a.example.com", "b.example.com"],
    });
  });

  it("waits out a failure that passes", async () => {
    looks = [{}, { lastFailure: "certificate_manager_unavailable" }, held];
    const { code, stdout, stderr } = await run(request);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("ingest-eu is current") });
    expect(stderr).toContain("requested; the last attempt failed (certificate_manager_unavailable)\n");
  });

  it.each([
    {
      end: { lastFailure: "certificate_manager_refused", nextAt: "2026-01-01T01:00:00Z" },
      says: "failed (certificate_manager_refused); looked at again 2026",
    },
    { end: { state: "drifted" }, says: "ingest-eu is drifted" },
    { end: { state: "removing" }, says: "ingest-eu is removing" },
  ] as const)("that comes to nothing ends with 1: $says", async ({ end, says }) => {
    looks = [{}, end];
    expect(await run(request)).toMatchObject({ code: 1, stdout: expect.stringContaining(says) });
  });

  it("that somebody removes meanwhile ends with 1", async () => {
    service.intercept = ({ method }) =>
      method === "POST" ? ok(serverView()) : problemAnswer(404, "not_found");
    expect(await run(request)).toMatchObject({ code: 1, stderr: expect.stringContaining("[not_found]") });
  });

  it("waits not with --no-wait; interrupted it says how to look", async () => {
    expect(await run([...request, "--no-wait"])).toMatchObject({
      ...{ code: 0, stdout: expect.stringContaining("ingest-eu is requested") },
    });
    expect(await run(request, { interruptAt: "requested" })).toMatchObject({
      ...{ code: 130, stdout: "", stderr: expect.stringContaining("fleetkey server-cert show ingest-eu") },
    });
  });

  it.each([
    ["request", "ingest-eu"],
    ["request", "../x", "--dns", "a.example.com"],
    ["request", "Ingest", "--dns", "a.example.com"],
    ["request", "ingest-eu", "--dns", "a.example.com", "--algorithm", "Ed25519"],
    ["show", "a/b"],
  ])("refuses %s %s %s %s %s %s with exit 2", async (...argv) => {
    expect((await run(argv.filter((word) => word !== undefined))).code).toBe(2);
    expect(service.requests).toEqual([]);
  });
});

describe("server-cert rollback", () => {
  it("names what to point listeners at, and no control character of it", async () => {
    const previous = {
      certificateId: "certificate-\u001b[2J0",
      serialNumber: "09",
      notAfter: "2026-03-01T00:00:00Z",
    };
    looks = [{ ...held, state: "rolledBack", previous }];
    const { code, stdout, stderr } = await run(["rollback", "ingest-eu"]);
    expect(code).toBe(0);
    expect(stderr).toContain(
      "point listeners at certificate-0; renewals wait for: fleetkey server-cert resume ingest-eu",
    );
    expect(stdout + stderr).not.toContain("\u001b");
  });
});
