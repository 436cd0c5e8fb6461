/** Operators, approvals and the fleet from the command line, against a server over HTTPS. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { firstPerson, openInvitation, type Person } from "./person.ts";
import { type RunResult, runCli } from "./run-cli.ts";

let server: LocalServer;
let owner: Person;
beforeAll(async () => {
  server = await startLocalServer();
  owner = await firstPerson(server);
});
afterAll(() => server.stop());

const fleetkey = (...argv: string[]) => server.fleetkey(argv);

/** The command and the people, who approve what waits, at the same time. */
async function approvedBy(people: readonly Person[], ...argv: string[]): Promise<RunResult> {
  const ended = new AbortController();
  const command = fleetkey(...argv).finally(() => ended.abort());
  const [result] = await Promise.all([command, ...people.map((person) => person.approveNext(ended.signal))]);
  return result;
}

interface ListedApproval {
  readonly approvalId: string;
  readonly state: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The approval that waits and whose operation has that member, as soon as there is one. */
async function untilAsked(member: string, value: unknown): Promise<string> {
  const { approvals } = JSON.parse((await fleetkey("approval", "list", "--json")).stdout) as {
    approvals: ListedApproval[];
  };
  const found = approvals.find(({ state, body }) => state === "requested" && body[member] === value);
  return found?.approvalId ?? untilAsked(member, value);
}

interface Shown {
  readonly state: string;
  readonly configurationVersion: number;
  readonly configuration: Readonly<Record<string, unknown>>;
}
async function shownFleet(): Promise<Shown> {
  const { code, stdout } = await fleetkey("fleet", "show", "--json");
  expect(code).toBe(0);
  return JSON.parse(stdout) as Shown;
}

/** A file with what `fleet show` prints, changed. */
async function configurationFile(name: string, change: object): Promise<string> {
  const { stdout } = await fleetkey("fleet", "show");
  const path = join(server.place, name);
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(stdout) as object), ...change }));
  return path;
}

describe("an approval", () => {
  it("--no-wait asks for it, prints its id and exits with 6, until it is complete; then the command is done", async () => {
    const file = await configurationFile("no-wait.json", { issuancesPerHour: 61 });
    const configure = ["fleet", "configure", "--file", file, "--no-wait"];
    const asked = await fleetkey(...configure);
    expect(asked).toMatchObject({ code: 6, stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
    const id = asked.stdout.trim();
    expect(asked.stderr).toContain(`fleetConfiguration needs one person to approve it`);
    expect(asked.stderr).toContain(`${server.origin}/passkeys#fleet=default&approval=${id}`);
    expect(await fleetkey(...configure, "--approval", id)).toMatchObject({ code: 6, stdout: `${id}\n` });
    expect((await fleetkey("approval", "list")).stdout).toMatch(
      new RegExp(`${id} +requested +configureFleet +operator-1 +1 `),
    );
    await owner.approve(id);
    expect(await fleetkey(...configure, "--approval", id)).toMatchObject({ code: 0 });
    expect((await shownFleet()).configuration).toMatchObject({ issuancesPerHour: 61 });
    expect((await fleetkey("approval", "show", id)).stdout).toContain('"state": "executed"');
    expect(await fleetkey(...configure, "--approval", id)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[approval_executed\]\n.+without --approval/),
    });
  });

  it("is for the very command that asked for it", async () => {
    const asked = await fleetkey("fleet", "suspend", "--no-wait", "--json");
    expect(asked.code).toBe(6);
    const { approvalId } = JSON.parse(asked.stdout) as { approvalId: string };
    await owner.approve(approvalId);
    expect(await fleetkey("fleet", "resume", "--approval", approvalId)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[approval_mismatch\]\n.+the very command/),
    });
    expect((await shownFleet()).state).toBe("active");
  });

  it("that nobody of this fleet knows is said to be unknown", async () => {
    const missing = "0".repeat(32);
    for (const command of [
      ["approval", "show", missing],
      ["fleet", "resume", "--approval", missing],
    ])
      expect(await fleetkey(...command)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("[not_found]"),
      });
  });

  it("outlasts the command that waits for it: interrupted, it says how to go on", async () => {
    const interruption = new AbortController();
    const command = server.fleetkey(["fleet", "suspend"], { interrupted: interruption.signal });
    const id = await untilAsked("state", "suspended");
    interruption.abort();
    expect(await command).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(new RegExp(`\\[interrupted\\]\n.+--approval ${id}`)),
    });
    expect((await fleetkey("approval", "show", id)).stdout).toContain('"state": "requested"');
    await owner.approve(id);
  });
});

describe("the fleet", () => {
  it("is configured by the file that it was shown as, once its owner approves", async () => {
    const before = await shownFleet();
    const file = await configurationFile("configure.json", { accepts: ["token", "key"] });
    const done = await approvedBy([owner], "fleet", "configure", "--file", file);
    expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining("approved by operator-1") });
    const after = await shownFleet();
    expect(JSON.parse(done.stdout)).toEqual(after.configuration);
    expect(after).toMatchObject({
      configurationVersion: before.configurationVersion + 1,
      configuration: { ...before.configuration, accepts: ["token", "key"] },
    });
  });

  it("keeps what somebody else configured meanwhile, unless --force is given", async () => {
    const { configurationVersion } = await shownFleet();
    const seen = String(configurationVersion);
    const other = await configurationFile("other.json", { issuancesPerHour: 71 });
    const mine = await configurationFile("mine.json", { issuancesPerHour: 72 });
    expect(
      (await approvedBy([owner], "fleet", "configure", "--file", other, "--if-version", seen)).code,
    ).toBe(0);
    const late = ["fleet", "configure", "--file", mine] as const;
    expect(await approvedBy([owner], ...late, "--if-version", seen)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[configuration_changed\]\n.+fleet show/),
    });
    expect((await shownFleet()).configuration).toMatchObject({ issuancesPerHour: 71 });
    expect((await approvedBy([owner], ...late, "--force")).code).toBe(0);
    expect((await shownFleet()).configuration).toMatchObject({ issuancesPerHour: 72 });
  });

  it("is told apart by version while a command waits for its approval", async () => {
    const mine = await configurationFile("waits.json", { issuancesPerHour: 81 });
    const other = await configurationFile("meanwhile.json", { issuancesPerHour: 82 });
    const waits = fleetkey("fleet", "configure", "--file", mine);
    const waiting = await untilAsked("issuancesPerHour", 81);
    const asked = await fleetkey("fleet", "configure", "--file", other, "--no-wait");
    const id = asked.stdout.trim();
    await owner.approve(id);
    expect((await fleetkey("fleet", "configure", "--file", other, "--approval", id)).code).toBe(0);
    await owner.approve(waiting);
    expect(await waits).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[configuration_changed]"),
    });
  });

  it.each([
    { name: "no JSON", content: "accepts: token" },
    { name: "a list", content: "[]" },
  ])("is not configured by $name", async ({ content }) => {
    const file = join(server.place, "malformed.json");
    writeFileSync(file, content);
    expect(await fleetkey("fleet", "configure", "--file", file)).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/\[configuration_malformed\]\n.+fleet show/),
    });
  });

  it("is suspended and resumed by its sole operator alone", async () => {
    expect(await approvedBy([owner], "fleet", "suspend")).toMatchObject({
      code: 0,
      stdout: "fleet default is suspended\n",
    });
    const token = (await fleetkey("token", "create", "--device", "pump-0001")).stdout.trim();
    const out = join(server.place, "pump-0001");
    const enroll = ["device", "enroll", "--device", "pump-0001", `--token=${token}`, "--out", out] as const;
    expect(await fleetkey(...enroll)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[fleet_suspended\]\n.+fleet resume/),
    });
    expect(await approvedBy([owner], "fleet", "resume")).toMatchObject({
      code: 0,
      stdout: "fleet default is active\n",
    });
    expect((await fleetkey(...enroll)).code).toBe(0);
  });
});

describe("what is read", () => {
  it.each([
    ["operator", "list"],
    ["approval", "list"],
    ["request", "list"],
    ["fleet", "show"],
  ])("by %s %s is one JSON document under --json", async (...words) => {
    const { code, stdout } = await fleetkey(...words, "--json");
    expect({ code, document: JSON.parse(stdout) }).toEqual({ code: 0, document: expect.any(Object) });
  });
});

describe("operators", () => {
  let second: Person;

  it("join by invitation, and are listed", async () => {
    const invited = await approvedBy([owner], "operator", "invite", "operator-2", "--roles", "owner,auditor");
    expect(invited).toMatchObject({ code: 0, stdout: expect.stringMatching(/^https:\S+\n$/) });
    expect((await fleetkey("operator", "list")).stdout).toMatch(/operator-2 +invited +owner,auditor +0 /);
    second = await openInvitation(server, invited.stdout);
    expect(second.operatorId).toBe("operator-2");
    const { operators } = JSON.parse((await fleetkey("operator", "list", "--json")).stdout) as {
      operators: object[];
    };
    expect(operators).toEqual([
      expect.objectContaining({ operatorId: "operator-1", state: "active", roles: ["owner"], passkeys: 1 }),
      expect.objectContaining({ operatorId: "operator-2", state: "active", passkeys: 1 }),
    ]);
  });

  it("have keys of their own for the command line, which their session certifies", async () => {
    const own = (file: string) => join(server.place, "operator-2", file);
    const make = ["operator", "key", "operator-2", "--out", join(server.place, "operator-2")] as const;
    const made = await fleetkey(...make);
    expect(made).toMatchObject({ code: 0, stdout: readFileSync(own("operator.csr"), "utf8") });
    expect(made.stderr).toContain(`${server.origin}/passkeys`);
    expect(statSync(own("operator.key")).mode & 0o777).toBe(0o600);
    writeFileSync(own("operator.pem"), await second.certify(made.stdout));
    const credential = ["--cert", own("operator.pem"), "--key", own("operator.key")];
    expect((await fleetkey("operator", "list", ...credential)).code).toBe(0);
    expect(await fleetkey(...make)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("[identity_conflict]"),
    });
  });

  it("are two from then on: one alone approves nothing for two", async () => {
    const asked = await fleetkey("operator", "change", "operator-2", "--roles", "auditor", "--no-wait");
    const id = asked.stdout.trim();
    expect(asked.stderr).toContain("roleChange needs 2 people");
    expect(await owner.approve(id)).toMatchObject({ state: "requested", approvedBy: ["operator-1"] });
    const change = ["operator", "change", "operator-2", "--roles", "auditor", "--approval", id] as const;
    expect((await fleetkey(...change, "--no-wait")).code).toBe(6);
    expect(await second.approve(id)).toMatchObject({ state: "approved" });
    expect(await fleetkey(...change)).toMatchObject({
      code: 0,
      stdout: "operator-2 is active: auditor\n",
    });
  });

  it("are suspended and reinstated", async () => {
    // What it signed in with is over: whoever is reinstated is invited anew.
    for (const [state, then] of [
      ["suspended", "suspended"],
      ["active", "invited"],
    ] as const) {
      const changed = await approvedBy([owner], "operator", "change", "operator-2", "--state", state);
      expect(changed).toMatchObject({ code: 0, stdout: `operator-2 is ${then}: auditor\n` });
    }
  });

  it("that came with the fleet invite themselves once", async () => {
    expect(await fleetkey("operator", "invite", "--first")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[access_denied]"),
    });
  });

  it("are told by digest who they are at an identity provider", async () => {
    const subject = "subject-of-a-person";
    const asked = await fleetkey(
      ...["operator", "invite", "operator-3", "--roles", "auditor", "--no-wait", "--json"],
      ...["--issuer", "https://issuer.example.com", "--subject", subject],
    );
    expect(asked.code).toBe(6);
    expect(asked.stdout + asked.stderr).not.toContain(subject);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      body: { oidcSubject: { subjectSha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    });
  });

  it.each([
    { argv: ["invite"], says: /name an operator.+--first alone/ },
    { argv: ["invite", "operator-4", "--first"], says: /--first alone/ },
    { argv: ["invite", "--first", "--roles", "owner"], says: /--roles does not go with --first/ },
    { argv: ["invite", "operator-4"], says: /--roles, word 1, is no role/ },
    { argv: ["invite", "operator-4", "--roles", "owner,king"], says: /--roles, word 2, is no role/ },
    { argv: ["invite", "operator-4", "--roles", "owner", "--subject", "x"], says: /go together/ },
    { argv: ["key", "../x", "--out", "x"], says: /an operator id is 1 to 64/ },
    { argv: ["change", "operator-2"], says: /--roles, --state, or both/ },
    { argv: ["change", "operator-2", "--state", "retired"], says: /state/ },
  ])("operator $argv is refused with exit 2", async ({ argv, says }) => {
    const { code, stdout, stderr } = await fleetkey("operator", ...argv);
    expect(stderr).toMatch(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

describe("another fleet", () => {
  const own = (file: string) => join(server.dataDir, "fleets", "clinic", file);
  const credential = () => ["--cert", own("operator.pem"), "--key", own("operator.key")];

  it("is made beside the running server, which serves it at once", async () => {
    const make = ["fleet", "create", "clinic", "--trust-domain", "clinic.example"];
    const argv = [...make, "--data-dir", server.dataDir];
    const made = await runCli(argv);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
    expect(made.stderr).toContain(own("operator.pem"));
    const listed = await fleetkey("cert", "list", "--fleet", "clinic", "--json", ...credential());
    expect(listed.code).toBe(0);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      certificates: expect.arrayContaining([expect.objectContaining({ subjectKind: "operator" })]),
    });
    expect(await runCli([...argv, "--json"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(made.stdout.trim()),
    });
  });

  it("has an operator of its own, who registers a passkey for it", async () => {
    const person = await firstPerson(server, ["--fleet", "clinic", ...credential()]);
    const suspend = fleetkey("fleet", "suspend", "--fleet", "clinic", ...credential());
    await person.approveNext();
    expect(await suspend).toMatchObject({ code: 0, stdout: "fleet clinic is suspended\n" });
    expect((await shownFleet()).state).toBe("active");
  });

  it("is not found by another fleet's operator, whatever is asked", async () => {
    const commands = [
      ["fleet", "show"],
      ["cert", "list"],
      ["operator", "list"],
      ["fleet", "suspend", "--no-wait"],
      ["device", "show", "pump-0001"],
    ];
    for (const command of commands) {
      const asked = await fleetkey(...command, "--fleet", "clinic");
      expect(asked, command.join(" ")).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(/\[not_found\]\n.+--fleet/),
      });
    }
    expect(await fleetkey("fleet", "show", ...credential())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[not_found]"),
    });
  });

  it.each([
    { name: "a name with a point", argv: ["clinic.two", "--trust-domain", "a.example"], code: 2 },
    { name: "the first fleet's name", argv: ["default", "--trust-domain", "a.example"], code: 5 },
    { name: "another trust domain than it has", argv: ["clinic", "--trust-domain", "b.example"], code: 5 },
    { name: "no trust domain", argv: ["clinic-2"], code: 2 },
  ])("is not made with $name", async ({ argv, code }) => {
    const refused = await runCli(["fleet", "create", ...argv, "--data-dir", server.dataDir]);
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toMatch(/^error: .+ \[\w+\]/);
  });

  it("is not made in a directory that no server has used", async () => {
    const nowhere = join(server.place, "nowhere");
    expect(
      await runCli(["fleet", "create", "clinic", "--trust-domain", "a.example", "--data-dir", nowhere]),
    ).toMatchObject({ code: 5, stderr: expect.stringContaining("start the server once") });
    expect(() => readFileSync(nowhere)).toThrow("ENOENT");
  });
});
