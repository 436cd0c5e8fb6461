/** Taking trust back from the command line, from one device and from many, against a server over HTTPS. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { firstPerson, type Person } from "./person.ts";
import { type RunOptions, type RunResult, runCli } from "./run-cli.ts";

let server: LocalServer;
let owner: Person;
beforeAll(async () => {
  server = await startLocalServer();
  owner = await firstPerson(server);
});
afterAll(() => server.stop());

const fleetkey = (argv: readonly string[], options?: RunOptions) => server.fleetkey(argv, options);
const placeOf = (name: string): string => join(server.place, name);

async function enrolled(device: string, place = device): Promise<string> {
  const token = (await fleetkey(["token", "create", "--device", device])).stdout.trim();
  const { code, stdout, stderr } = await fleetkey([
    ...["device", "enroll", "--device", device, `--token=${token}`, "--out", placeOf(place), "--json"],
  ]);
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { serialNumber: string }).serialNumber;
}

const statusOf = async (serial: string): Promise<string> =>
  (JSON.parse((await fleetkey(["cert", "show", serial, "--json"])).stdout) as { status: string }).status;

interface Job {
  readonly jobId: string;
  readonly state: string;
  readonly matched: number;
  readonly revoked: number;
}

/** The criteria that find the certificates of now alone: those issued at `at` or later. */
const since = (at: number): string => new Date(at).toISOString().slice(0, 19).concat("Z");

/** Jobs find what was issued from a moment on, so each test begins in a second of its own. */
async function ownSecond(): Promise<number> {
  await new Promise((done) => setTimeout(done, 1_000 - (Date.now() % 1_000)));
  return Date.now();
}

async function approvedBy(person: Person, argv: readonly string[]): Promise<RunResult> {
  const ended = new AbortController();
  const command = fleetkey(argv).finally(() => ended.abort());
  const [result] = await Promise.all([command, person.approveNext(ended.signal)]);
  return result;
}

describe("revoke device", () => {
  it("revokes all that it has, and says how many were before", async () => {
    const serials = [await enrolled("pump-1"), await enrolled("pump-1", "pump-1-again")];
    const revoke = ["revoke", "device", "pump-1", "--reason", "keyCompromise"];
    expect(await fleetkey(revoke)).toMatchObject({
      ...{ code: 0, stdout: "pump-1: 2 revoked (keyCompromise), 0 were revoked before\n" },
    });
    for (const serial of serials) expect(await statusOf(serial)).toBe("revoked");
    const again = await fleetkey([...revoke, "--json"]);
    expect(JSON.parse(again.stdout)).toEqual({ deviceId: "pump-1", revoked: 0, unchanged: 2 });
  });
});

describe("revoke own", () => {
  it("revokes the certificate that the device shows, once", async () => {
    const serial = await enrolled("pump-2");
    const own = ["revoke", "own", "--dir", placeOf("pump-2"), "--reason", "cessationOfOperation"];
    expect(await runCli(own)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`^${serial} revoked .+ \\(cessationOfOperation\\)\n$`)),
    });
    expect(await statusOf(serial)).toBe("revoked");
    expect((await runCli(own)).code).toBe(1);
  });

  it("is not for reasons that people judge", async () => {
    const own = ["revoke", "own", "--dir", placeOf("pump-2"), "--reason", "privilegeWithdrawn"];
    expect(await runCli(own)).toMatchObject({ code: 2, stderr: expect.stringContaining("Expected one of") });
  });
});

describe("revoke bulk", () => {
  it("counts, and revokes nothing", async () => {
    const from = await ownSecond();
    const serials = [await enrolled("lot-1"), await enrolled("lot-2")];
    const bulk = ["revoke", "bulk", "--profile", "device", "--issued-from", since(from)];
    const { code, stdout, stderr } = await fleetkey([...bulk, "--reason", "superseded"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^[0-9a-f]{32} is counted: 2 to revoke \(superseded\): 2 of devices\n$/),
    });
    const id = stdout.slice(0, 32);
    expect(stderr).toContain(`\`fleetkey revoke execute ${id}\` revokes them`);
    for (const serial of serials) expect(await statusOf(serial)).toBe("active");
    expect((await fleetkey(["revoke", "list"])).stdout).toMatch(
      new RegExp(`${id} +counted +2 +0 +superseded .+operator:operator-1`),
    );
    expect(await fleetkey(["revoke", "cancel", id])).toMatchObject({
      ...{ code: 0, stdout: `${id} is cancelled: 0 revoked (superseded)\n` },
    });
    for (const words of [
      ["show", id, "--watch"],
      ["execute", id],
    ])
      expect(await fleetkey(["revoke", ...words]), words[0]).toMatchObject({
        code: 1,
        stdout: expect.stringContaining("is cancelled: 0 revoked"),
      });
  });

  it("--execute asks for the approval and follows the job to its end", async () => {
    const from = await ownSecond();
    const serials = [await enrolled("lot-3"), await enrolled("lot-4"), await enrolled("lot-5")];
    const bulk = ["revoke", "bulk", "--authority", "issuing-1", "--issued-from", since(from)];
    const done = await approvedBy(owner, [
      ...bulk,
      "--profile",
      "device",
      "--reason",
      "keyCompromise",
      "--execute",
    ]);
    expect(done).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        / is done: 3 revoked \(keyCompromise\), 0 were revoked or over before\n$/,
      ),
    });
    expect(done.stderr).toContain("bulkRevocation needs one person to approve it");
    for (const serial of serials) expect(await statusOf(serial)).toBe("revoked");
    const id = done.stdout.slice(0, 32);
    const { code, stdout } = await fleetkey(["revoke", "show", id, "--json"]);
    expect({ code, job: JSON.parse(stdout) as Job }).toMatchObject({
      ...{ code: 0, job: { jobId: id, state: "done", matched: 3, revoked: 3 } },
    });
    // As when an interrupted command is run again: what is done is not asked approval for.
    expect(await fleetkey(["revoke", "execute", id])).toMatchObject({ code: 0, stdout: done.stdout });
    expect(await fleetkey(["revoke", "cancel", id])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[job_state_invalid]"),
    });
  });

  it("in two steps: an approval that others give later, then the job", async () => {
    const from = await ownSecond();
    const serial = await enrolled("lot-6");
    const bulk = [
      "revoke",
      "bulk",
      "--issued-from",
      since(from),
      "--profile",
      "device",
      "--reason",
      "superseded",
    ];
    const { jobId } = JSON.parse((await fleetkey([...bulk, "--json"])).stdout) as Job;
    const asked = await fleetkey(["revoke", "execute", jobId, "--no-wait"]);
    expect(asked).toMatchObject({ code: 6, stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
    const approval = asked.stdout.trim();
    await owner.approve(approval);
    const executed = await fleetkey(["revoke", "execute", jobId, "--approval", approval]);
    expect(executed).toMatchObject({ code: 0, stdout: expect.stringContaining("is done: 1 revoked") });
    expect(await statusOf(serial)).toBe("revoked");
  });

  it("--execute asks nobody when there is nothing to revoke, and says why", async () => {
    const from = await ownSecond();
    const serial = await enrolled("lot-7");
    await fleetkey(["cert", "revoke", serial, "--reason", "superseded"]);
    const rest = ["--reason", "superseded", "--execute"];
    for (const [criteria, says] of [
      [["--profile", "device", "--issued-from", since(from)], "1 match, all revoked already"],
      [["--profile", "claim"], "no certificate matches"],
      [["--firmware", "9.9.9"], "no device has reported firmware 9.9.9"],
    ] as const)
      expect(await fleetkey(["revoke", "bulk", ...criteria, ...rest])).toMatchObject({
        ...{ code: 0, stdout: expect.stringContaining("is counted: 0 to revoke") },
        stderr: expect.stringContaining(`there is nothing to revoke: ${says}`),
      });
  });

  it("approval request names the operation and the number too; one of another number is good for nothing", async () => {
    const from = await ownSecond();
    await enrolled("lot-8");
    const bulk = ["revoke", "bulk", "--profile", "device", "--issued-from", since(from)];
    const { jobId } = JSON.parse(
      (await fleetkey([...bulk, "--reason", "superseded", "--json"])).stdout,
    ) as Job;
    const argv = ["approval", "request", "executeRevocation", "--param", `jobId=${jobId}`, "--body", "-"];
    const approved = async (certificates: number): Promise<string> => {
      const asked = await fleetkey(argv, { stdin: JSON.stringify({ certificates }) });
      expect(asked.code).toBe(0);
      await owner.approve(asked.stdout.trim());
      return asked.stdout.trim();
    };
    const other = ["revoke", "execute", jobId, "--approval", await approved(2)];
    expect(await fleetkey(other)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[approval_mismatch]"),
    });
    expect(await fleetkey(["revoke", "execute", jobId, "--approval", await approved(1)])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("is done: 1 revoked"),
    });
  });

  it("leaves the job alone when it is interrupted, and says how to follow it", async () => {
    const bulk = ["revoke", "bulk", "--profile", "claim", "--reason", "superseded"];
    const before = JSON.parse((await fleetkey(["revoke", "list", "--json"])).stdout) as {
      revocations: Job[];
    };
    const interrupted = await fleetkey(bulk, { interruptAt: "counting:" });
    expect(interrupted.code).toBe(130);
    const id = /fleetkey revoke show ([0-9a-f]{32}) --watch/.exec(interrupted.stderr)?.[1] ?? "";
    expect(interrupted.stderr).toContain(`fleetkey revoke cancel ${id} stops it`);
    expect(before.revocations.map(({ jobId }) => jobId)).not.toContain(id);
    expect(await fleetkey(["revoke", "show", id, "--watch"])).toMatchObject({
      ...{ code: 0, stdout: `${id} is counted: 0 to revoke (superseded)\n` },
    });
  });

  const refused = [
    { argv: ["bulk", "--reason", "superseded"], code: 2, says: /at least one of --authority, --claim/ },
    { argv: ["bulk", "--claim", "b"], code: 2, says: /Missing required argument: --reason/ },
    { argv: ["bulk", "--claim", "b", "--reason", "certificateHold"], code: 2, says: /Expected one of/ },
    {
      argv: ["bulk", "--claim", "b", "--reason", "superseded", "--no-wait"],
      code: 2,
      says: /goes with --execute/,
    },
    {
      argv: ["bulk", "--issued-from", "tomorrow", "--reason", "superseded"],
      code: 2,
      says: /--issued-from is no time/,
    },
    {
      argv: ["bulk", "--issued-from", "2026-02-30", "--reason", "superseded"],
      code: 2,
      says: /no time in UTC/,
    },
    {
      argv: ["bulk", "--profile", "nothing", "--reason", "superseded"],
      code: 1,
      says: /criteria.profile must be one of/,
    },
    {
      argv: ["bulk", "--authority", "nope", "--reason", "superseded"],
      code: 1,
      says: /names no authority of the fleet; it has issuing-1.+\[request_invalid\]/s,
    },
    {
      argv: ["bulk", "--claim", "nope", "--reason", "superseded"],
      code: 1,
      says: /names no claim of the fleet.+\[request_invalid\]/s,
    },
    { argv: ["show", "x"], code: 2, says: /32 hexadecimal digits/ },
    { argv: ["show", "0".repeat(32)], code: 1, says: /\[not_found\]/ },
    {
      argv: ["execute", "0".repeat(32), "--no-wait", "--approval", "0".repeat(32)],
      code: 1,
      says: /\[not_found\]/,
    },
    { argv: ["list", "--limit", "0"], code: 2, says: /whole number from 1 to 1000/ },
    { argv: ["device", "../x", "--reason", "superseded"], code: 2, says: /device id/ },
    { argv: ["own", "--dir", "/nowhere/pump"], code: 5, says: /\[file_missing\]/ },
  ];
  it.each(refused)("revoke $argv is refused with exit $code", async ({ argv, code, says }) => {
    const result =
      argv[0] === "own" ? await runCli(["revoke", ...argv]) : await fleetkey(["revoke", ...argv]);
    expect(result.stderr).toMatch(says);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: "" });
  });
});
