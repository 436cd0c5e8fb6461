import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const root = resolve(import.meta.dirname, "../..");

let service: FakeService;
beforeEach(async () => {
  service = await startFakeService();
});
afterEach(() => service.close());

describe("an interruption", () => {
  it("abandons a request that is not answered: exit 130, at once", async () => {
    const stop = new AbortController();
    service.intercept = () => {
      setTimeout(() => stop.abort(), 20);
      return "silence";
    };
    const start = performance.now();
    const { code, stderr } = await runCli(["cert", "list", ...service.flags], { interrupted: stop.signal });
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining("[interrupted]") });
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it("of an enrolment leaves what the next run takes up", async () => {
    const directory = temporaryDirectory();
    const token = service.addToken("d-1");
    const argv = [
      "device",
      "enroll",
      "--device",
      "d-1",
      "--out",
      directory,
      "--token",
      token,
      ...service.flags,
    ];
    const stop = new AbortController();
    service.intercept = ({ path }) => {
      if (!path.endsWith("/trust.pem")) return undefined;
      stop.abort();
      return "silence";
    };
    expect((await runCli(argv, { interrupted: stop.signal })).code).toBe(130);
    service.intercept = () => undefined;
    expect((await runCli(argv)).code).toBe(0);
    expect(service.issued).toHaveLength(1);
  });

  it("ends a wait for Retry-After", async () => {
    const stop = new AbortController();
    service.intercept = () => {
      setTimeout(() => stop.abort(), 20);
      return problemAnswer(503, "store_unavailable", { "retry-after": "10" });
    };
    const start = performance.now();
    expect((await runCli(["cert", "list", ...service.flags], { interrupted: stop.signal })).code).toBe(1);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("by %s ends the process", async (signal) => {
    const child = spawn(process.execPath, ["cli/main.ts", "cert", "list", ...service.flags], { cwd: root });
    service.intercept = () => {
      child.kill(signal);
      return "silence";
    };
    expect(await new Promise((done) => child.on("exit", done))).toBe(130);
  });
});
