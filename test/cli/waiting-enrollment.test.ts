import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAnswer, type FakeService, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const requestId = "a1".repeat(32);
const isEnrollment = (path: string): boolean => path.endsWith("/certificates");

let service: FakeService;
let directory: string;
beforeEach(async () => {
  service = await startFakeService();
  directory = temporaryDirectory();
});
afterEach(() => service.close());

const pendingAnswer = (retryAfter?: string): FakeAnswer => ({
  status: 202,
  ...(retryAfter === undefined ? {} : { headers: { "retry-after": retryAfter } }),
  body: { status: "pending", requestId },
});

const enroll = (argv: readonly string[] = [], interrupted?: AbortSignal) =>
  runCli(
    ["device", "enroll", "--device", "d-1", "--out", directory, ...service.flags.slice(0, 4), ...argv],
    interrupted === undefined ? {} : { interrupted },
  );

const sent = () => service.requests.filter(({ path }) => isEnrollment(path)).map(({ body }) => body);

describe("an enrolment that an operator has to decide", () => {
  it("ends at once with exit 6, the request's id and what to do", async () => {
    service.intercept = ({ path }) => (isEnrollment(path) ? pendingAnswer("60") : undefined);
    expect(await enroll()).toEqual({
      code: 6,
      stdout: "",
      stderr: expect.stringMatching(
        new RegExp(
          `request ${requestId} waits .+ \\[enrollment_pending\\]\\n  fleetkey request approve ${requestId}`,
        ),
      ),
    });
    expect(sent()).toHaveLength(1);
  });

  it("says the same as JSON under --json", async () => {
    service.intercept = ({ path }) => (isEnrollment(path) ? pendingAnswer("60") : undefined);
    const { stdout } = await enroll(["--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "enrollment_pending", exitCode: 6 } });
  });

  it("sends the very same request when it is run again", async () => {
    service.intercept = ({ path }) => (isEnrollment(path) ? pendingAnswer("60") : undefined);
    await enroll();
    await enroll();
    expect(sent()).toHaveLength(2);
    expect(new Set(sent()).size).toBe(1);
  });

  it("RFC 7030 §4.2.3: under --wait sends it again when Retry-After is over, no sooner but for the last time", async () => {
    const at: number[] = [];
    service.intercept = ({ path }) => {
      if (!isEnrollment(path)) return undefined;
      at.push(performance.now());
      return pendingAnswer("1");
    };
    const { code, stderr } = await enroll(["--wait", "3"]);
    expect(code).toBe(6);
    expect(at).toHaveLength(4);
    for (const index of [1, 2]) expect((at[index] ?? 0) - (at[index - 1] ?? 0)).toBeGreaterThanOrEqual(990);
    expect(new Set(sent()).size).toBe(1);
    // Told once, when the wait begins; then the failure.
    expect(stderr.match(/waits for an operator's decision/g)).toHaveLength(2);
  });

  it("asks a last time when --wait is over, however long Retry-After is", async () => {
    service.intercept = ({ path }) => (isEnrollment(path) ? pendingAnswer("3600") : undefined);
    const start = performance.now();
    expect((await enroll(["--wait", "1"])).code).toBe(6);
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(sent()).toHaveLength(2);
  });

  it("interrupted while it waits ends at once with exit 130, and its key waits for the next run", async () => {
    const stop = new AbortController();
    service.intercept = ({ path }) => {
      if (!isEnrollment(path)) return undefined;
      setTimeout(() => stop.abort(), 50);
      return pendingAnswer("3600");
    };
    const start = performance.now();
    const { code, stderr } = await enroll(["--wait", "3600"], stop.signal);
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: expect.stringContaining("not decided yet [interrupted]"),
    });
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(readFileSync(join(directory, ".pending/device.key"), "utf8")).toContain("PRIVATE KEY");
  });

  it.each(["-1", "1.5", "86401", "soon"])("a wait of %s is refused with exit 2", async (seconds) => {
    const { code, stderr } = await enroll([`--wait=${seconds}`]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("--wait is not a whole number"),
    });
    expect(sent()).toEqual([]);
  });

  it("an answer of another form is said to be malformed, and no request is made up", async () => {
    service.intercept = ({ path }) =>
      isEnrollment(path) ? { status: 202, body: { status: "pending", requestId: "\u001b[31m" } } : undefined;
    const { code, stderr } = await enroll();
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("[answer_malformed]") });
  });
});
