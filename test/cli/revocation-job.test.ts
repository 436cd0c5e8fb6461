/** Following a bulk revocation that the service does: lost answers, interruptions, jobs that go on by themselves. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAnswer, type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";

const jobId = "0".repeat(31).concat("1");
const approvalId = "a".repeat(32);

const ok = (body: object): FakeAnswer => ({ status: 200, body });

const job = (state: string, revoked = 0, more: object = {}): FakeAnswer =>
  ok({
    ...{ jobId, state, criteria: { claimId: "batch-1" }, reason: "keyCompromise" },
    ...{ matched: 9, revoked, unchanged: 0, progress: { read: revoked, of: 7 } },
    ...{
      toRevoke: { certificates: 7, bySubject: { device: 5, operator: 1, server: 1, claim: 0, backend: 0 } },
    },
    ...more,
    ...{ createdAt: "2026-01-01T00:00:00Z", createdBy: "operator:operator-1" },
  });

const approval = ok({
  ...{
    approvalId,
    operation: "executeRevocation",
    critical: "bulkRevocation",
    parameters: { jobId },
    body: { certificates: 7 },
  },
  ...{ operationDigest: "00".repeat(32), challenge: "A".repeat(43), state: "approved", persons: 2 },
  ...{ requestedBy: "operator-1", approvedBy: ["operator-1", "operator-2"] },
  ...{ createdAt: "2026-01-01T00:00:00Z", expiresAt: "2026-01-01T00:15:00Z" },
});

let service: FakeService;
/** What the job is at each look, the last from then on. */
let looks: FakeAnswer[];
let execution: (attempt: number) => FakeAnswer | "resetAfterwards";
let executions: number;
beforeEach(async () => {
  service = await startFakeService();
  looks = [job("counted"), job("revoking", 3), job("done", 7)];
  executions = 0;
  execution = () => job("revoking");
  service.intercept = ({ method, path }) => {
    if (path.endsWith(`/approvals/${approvalId}`)) return approval;
    if (method === "POST" && path.endsWith("/execution")) return execution(++executions);
    if (!path.endsWith(`/revocations/${jobId}`)) return undefined;
    return looks.length > 1 ? looks.shift() : looks[0];
  };
});
afterEach(() => service.close());

const execute = (options: Parameters<typeof runCli>[1] = {}) =>
  runCli(["revoke", "execute", jobId, "--approval", approvalId, ...service.flags], options);

describe("revoke execute", () => {
  it("sends the approval, tells how far it is, and ends when the job is done", async () => {
    const { code, stdout, stderr } = await execute();
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${jobId} is done: 7 revoked (keyCompromise), 0 were revoked or over before\n`,
    });
    expect(stderr).toContain("revoking: 3 revoked, 3 of 7 looked at\n");
    const sent = service.requests.find(({ path }) => path.endsWith("/execution"));
    expect(sent?.headers["fleetkey-approval"]).toBe(approvalId);
    expect(JSON.parse(sent?.body ?? "")).toEqual({ certificates: 7 });
  });

  it("asks for the approval of the very number that was counted", async () => {
    const argv = ["revoke", "execute", jobId, "--no-wait", ...service.flags];
    service.intercept = ({ method, path }) => {
      if (method === "POST" && path.endsWith("/approvals")) return approval;
      return path.endsWith(`/revocations/${jobId}`) ? job("counted") : undefined;
    };
    await runCli(argv);
    const asked = service.requests.find(
      ({ method, path }) => method === "POST" && path.endsWith("/approvals"),
    );
    expect(JSON.parse(asked?.body ?? "")).toEqual({
      operation: "executeRevocation",
      parameters: { jobId },
      body: { certificates: 7 },
    });
  });

  const none = {
    toRevoke: { certificates: 0, bySubject: { device: 0, operator: 0, server: 0, claim: 0, backend: 0 } },
  };
  it.each([
    {
      more: { ...none, matched: 3, unchanged: 3 },
      says: "there is nothing to revoke: 3 match, all revoked already",
    },
    { more: { ...none, matched: 0 }, says: "there is nothing to revoke: no certificate matches" },
    {
      more: { ...none, matched: 0, criteria: { firmware: "4.2.0" }, firmwareKnown: false },
      says: "there is nothing to revoke: no device has reported firmware 4.2.0",
    },
  ])("of nothing asks nobody: $says", async ({ more, says }) => {
    looks = [job("counted", 0, more)];
    const { code, stdout, stderr } = await execute();
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("is counted: 0 to revoke") });
    expect(stderr).toContain(says);
    expect(executions).toBe(0);
  });

  it("of a job that found more than was approved ends with 1, and says so", async () => {
    looks = [job("counted"), job("stopped", 3)];
    expect(await execute()).toMatchObject({
      code: 1,
      stdout: `${jobId} is stopped: 3 revoked (keyCompromise); there were more than the 7 that were approved, count anew\n`,
    });
  });

  it("show says whose certificates they are, and what matches besides", async () => {
    looks = [job("counted", 0, { unchanged: 2 })];
    expect(await runCli(["revoke", "show", jobId, ...service.flags])).toMatchObject({
      code: 0,
      stdout: `${jobId} is counted: 7 to revoke (keyCompromise): 5 of devices, 1 of operators, 1 of servers; 2 more match, revoked or over already\n`,
    });
  });

  it.each(["job_state_invalid", "approval_spent"])(
    "whose answer was lost finds the job begun (%s) and follows it",
    async (code) => {
      execution = (attempt) => (attempt === 1 ? "resetAfterwards" : problemAnswer(409, code));
      expect(await execute()).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("is done: 7 revoked"),
      });
      expect(executions).toBe(2);
    },
  );

  it("that the service refuses is refused, when the job was not begun", async () => {
    looks = [job("counted")];
    execution = () => problemAnswer(409, "job_state_invalid");
    expect(await execute()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[job_state_invalid\]\n.+fleetkey revoke show JOB/),
    });
  });

  it("interrupted leaves the job alone; the same command takes it up, without another approval", async () => {
    looks = [job("counted"), job("revoking", 3)];
    const interrupted = await execute({ interruptAt: "3 revoked" });
    expect(interrupted).toMatchObject({ code: 130, stdout: "" });
    expect(interrupted.stderr).toContain(`fleetkey revoke show ${jobId} --watch follows it`);
    looks = [job("revoking", 5), job("done", 7)];
    const again = await runCli(["revoke", "execute", jobId, ...service.flags]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("is done") });
    expect(executions).toBe(1);
  });

  it("of a job that somebody cancels meanwhile ends with 1", async () => {
    looks = [job("counted"), job("cancelled", 3)];
    expect(await execute()).toMatchObject({
      ...{ code: 1, stdout: `${jobId} is cancelled: 3 revoked (keyCompromise)\n` },
    });
  });

  it("redraws one line on a terminal, and clears it", async () => {
    const { stderr } = await execute({ isTTY: true, env: { TERM: "xterm" } });
    expect(stderr).toContain("\rrevoking: 3 revoked, 3 of 7 looked at\u001b[K");
    expect(stderr.endsWith("\r\u001b[K")).toBe(true);
  });
});
