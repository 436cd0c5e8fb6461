/** Rotation from the command line, by two people, against a server over HTTPS. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withOperatorApi } from "../../cli/session.ts";
import { resolveSettings } from "../../cli/settings.ts";
import { rollover } from "../../lambdas/http/rotation-answers.ts";
import { approvedBy } from "./approved-by.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { firstPerson, openInvitation, type Person } from "./person.ts";
import type { RunOptions, RunResult } from "./run-cli.ts";

let server: LocalServer;
let owner: Person;
let both: readonly Person[];
beforeAll(async () => {
  server = await startLocalServer();
  owner = await firstPerson(server);
  const invite = ["operator", "invite", "operator-2", "--roles", "securityOfficer"];
  const invited = await approvedBy([owner], () => server.fleetkey(invite));
  both = [owner, await openInvitation(server, invited.stdout)];
}, 60_000);
afterAll(() => server.stop());

const fleetkey = (argv: readonly string[], options?: RunOptions) => server.fleetkey(argv, options);
const byBoth = (argv: readonly string[]): Promise<RunResult> => approvedBy(both, () => fleetkey(argv));

async function read<T>(argv: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await fleetkey([...argv, "--json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

interface Authority {
  readonly authorityId: string;
  readonly state: string;
  readonly issues: boolean;
}
const authorities = async (): Promise<Readonly<Record<string, string>>> => {
  const answer = await read<{ authorities: readonly Authority[] }>(["authority", "list"]);
  return Object.fromEntries(
    answer.authorities.map((each) => [each.authorityId, each.issues ? `${each.state}, issues` : each.state]),
  );
};

/** Nobody is asked: there is no approval that waits. */
async function nobodyAsked(): Promise<void> {
  const { approvals } = await read<{ approvals: readonly { state: string }[] }>(["approval", "list"]);
  expect(approvals.filter(({ state }) => state === "requested")).toEqual([]);
}

interface Rollover {
  readonly state: string;
}

describe("an issuing rollover", () => {
  let id: string;

  it("is shown before it is decided: steps, gates, and whom it is about", async () => {
    const shown = await fleetkey(["rotation", "plan", "--kind", "issuing", "--dry-run"]);
    expect(shown.code, shown.stderr).toBe(0);
    expect(shown.stdout).toMatch(
      /^issuing rollover issuing-1 to issuing-2, P-256\nin force: \d+ certificates/,
    );
    expect(shown.stdout).toContain("keys that must be there: default-issuing-2 (P-256)");
    for (const state of ["published", "active", "draining", "retired", "destroyed"])
      expect(shown.stdout).toMatch(new RegExp(`^ {2}${state} +(?:two people|by itself) +from 2`, "m"));
    await nobodyAsked();
  });

  it("asks for two people, shows its reach first, and is planned", async () => {
    const planned = await byBoth(["rotation", "plan", "--kind", "issuing"]);
    expect(planned.code, planned.stderr).toBe(0);
    expect(planned.stderr.indexOf("in force:")).toBeLessThan(
      planned.stderr.indexOf("authorityRotation needs"),
    );
    expect(planned.stderr).toContain("authorityRotation needs 2 people to approve it");
    id = planned.stdout.slice(0, 32);
    expect(planned.stdout).toContain(`${id}: issuing rollover issuing-1 to issuing-2 is planned since `);
    expect(planned.stdout).toContain(`do: fleetkey ceremony open --purpose rollover --rollover ${id}\n`);
    expect((await fleetkey(["rotation", "list"])).stdout).toMatch(
      new RegExp(`${id} +issuing +planned +issuing-1 +issuing-2 .+ceremony`),
    );
  });

  it("keeps another of its kind from being planned, and nobody is asked for that", async () => {
    for (const words of [
      ["rotation", "plan", "--kind", "issuing"],
      ["authority", "rotate", "issuing-1"],
    ])
      expect(await fleetkey(words)).toMatchObject({
        ...{ code: 1, stdout: "" },
        stderr: expect.stringMatching(new RegExp(`${id} of this kind .+\\[rollover_state_invalid\\]`)),
      });
    await nobodyAsked();
  });

  it("says on one screen what to do next", async () => {
    const { code, stdout } = await fleetkey(["rotation", "status"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("1 rollover under way") });
    expect(stdout).toContain(`do: fleetkey ceremony open --purpose rollover --rollover ${id}`);
    const all = await read<Readonly<Record<string, readonly object[]>>>(["rotation", "status"]);
    expect(all["rollovers"]).toEqual([expect.objectContaining({ rolloverId: id, state: "planned" })]);
    expect(all).toMatchObject({ tasks: expect.any(Array), report: { fleet: "default" }, ceremonies: [] });
  });

  it("is not moved on by hand past a state, and nobody is asked for that", async () => {
    expect(await fleetkey(["rotation", "advance", id, "--to", "active"])).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: expect.stringMatching(
        /is planned, and published follows, not active.+\[rollover_state_invalid\]/,
      ),
    });
    await nobodyAsked();
  });

  it("is published by a ceremony that two people open, and waits until it is done", async () => {
    const open = ["ceremony", "open", "--purpose", "rollover", "--rollover", id];
    const held = await byBoth(open);
    expect(held.code, held.stderr).toBe(0);
    expect(held.stderr).toContain("authorityUse needs 2 people to approve it");
    expect(held.stdout).toMatch(new RegExp(`^[0-9a-f]{32} \\(rollover ${id}\\) is done since 2`));
    const ceremonyId = held.stdout.slice(0, 32);
    expect((await fleetkey(["ceremony", "list"])).stdout).toMatch(
      new RegExp(`${ceremonyId} +done +rollover +${id}`),
    );
    expect((await fleetkey(["ceremony", "show", ceremonyId, "--watch"])).code).toBe(0);
    expect(await authorities()).toEqual({
      "root-1": "active",
      "issuing-1": "active, issues",
      "issuing-2": "published",
    });
    expect(await read<Rollover>(["rotation", "show", id])).toMatchObject({ state: "published" });
  }, 60_000);

  it("names the gates that are closed before anybody is asked to pass them", async () => {
    const { stdout } = await fleetkey(["rotation", "show", id]);
    expect(stdout).toMatch(/\[ \] days +days in this state \(0 of 7\)/);
    expect(stdout).toContain(`taken back by: fleetkey rotation rollback ${id}\n`);
    expect(await fleetkey(["rotation", "advance", id, "--to", "active"])).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: expect.stringMatching(
        /waits for: .*days \(0 of 7\).+\[rollover_gate_closed\]\n.+rotation show/,
      ),
    });
    await nobodyAsked();
  });

  it("is refused by the service too, with the gates' names, though two people have approved it", async () => {
    const argv = ["approval", "request", "advanceRollover", "--param", `rolloverId=${id}`, "--body", "-"];
    const asked = await fleetkey(argv, { stdin: JSON.stringify({ to: "active" }) });
    const approvalId = asked.stdout.trim();
    for (const person of both) await person.approve(approvalId);
    const advance = ["rotation", "advance", id, "--to", "active", "--approval", approvalId];
    expect(await fleetkey(advance)).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: expect.stringMatching(/waits for: .*days \(0 of 7\).+\[rollover_gate_closed\]/),
    });
  });

  it("is not followed by whoever has seen enough: it goes on, and that is said", async () => {
    const watched = await fleetkey(["rotation", "watch", id], { interruptAt: "days (0 of 7)" });
    expect(watched).toMatchObject({
      ...{ code: 130, stdout: "" },
      stderr: expect.stringMatching(new RegExp(`\\[interrupted\\]\n.+fleetkey rotation watch ${id}`)),
    });
  });

  it("is not taken back by one person alone", async () => {
    const asked = await fleetkey(["rotation", "rollback", id, "--no-wait"]);
    expect(asked).toMatchObject({ code: 6, stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
    const approvalId = asked.stdout.trim();
    await owner.approve(approvalId);
    const rollback = ["rotation", "rollback", id, "--no-wait", "--approval", approvalId];
    expect((await fleetkey(rollback)).code).toBe(6);
    expect(await read<Rollover>(["rotation", "show", id])).toMatchObject({ state: "published" });
    // The other one approves it: what was shown is what is taken back.
    await both[1]?.approve(approvalId);
    const done = await fleetkey(rollback);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("is rolledBack since ") });
    expect(await authorities()).toMatchObject({ "issuing-1": "active, issues", "issuing-2": "retired" });
  });

  it("that is over is watched no longer, and not taken back again", async () => {
    expect(await fleetkey(["rotation", "watch", id])).toMatchObject({
      ...{ code: 1, stdout: expect.stringContaining("is rolledBack") },
    });
    expect(await fleetkey(["rotation", "rollback", id])).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/is rolledBack.+\[rollover_state_invalid\]/) },
    });
    await nobodyAsked();
  });
});

describe("without two people", () => {
  it("nothing is planned, and no root signs: the service refuses the call without an approval", async () => {
    const missing = "0".repeat(32);
    for (const words of [
      ["rotation", "plan", "--kind", "root"],
      ["ceremony", "open", "--purpose", "rootList"],
    ])
      expect(await fleetkey([...words, "--approval", missing])).toMatchObject({
        ...{ code: 1, stdout: "", stderr: expect.stringContaining("[not_found]") },
      });
    const asked = await fleetkey(["ceremony", "open", "--purpose", "rootList", "--no-wait"]);
    expect(asked.code).toBe(6);
    const approvalId = asked.stdout.trim();
    await owner.approve(approvalId);
    const { ceremonies } = await read<{ ceremonies: readonly { purpose: string }[] }>(["ceremony", "list"]);
    expect(ceremonies.filter(({ purpose }) => purpose === "rootList")).toEqual([]);
    await both[1]?.approve(approvalId);
    const held = await fleetkey(["ceremony", "open", "--purpose", "rootList", "--approval", approvalId]);
    expect(held).toMatchObject({ code: 0, stdout: expect.stringContaining("(rootList) is done since ") });
  });

  it("the service does nothing for a certificate alone", async () => {
    const flags = { "data-dir": server.dataDir, url: server.url };
    const settings = resolveSettings(flags, {});
    const never = new AbortController().signal;
    const stream = { write: () => true };
    const terminal = {
      env: {},
      stdin: Readable.from([]),
      stdout: stream,
      stderr: stream,
      interrupted: never,
      now: Date.now,
    };
    const calls = [
      { path: "/rollovers", body: { kind: "root" } },
      { path: "/ceremonies", body: { purpose: "rootList" } },
      { path: "/data-key-rotations", body: { name: "default-protection" } },
    ];
    for (const { path, body } of calls)
      await expect(
        withOperatorApi({ settings, terminal }, (api) =>
          api.call({ method: "POST", path, body, schema: rollover }),
        ),
        path,
      ).rejects.toMatchObject({ exit: "refused", code: "approval_required" });
  });

  it("an approval of one thing is none of another", async () => {
    const asked = await fleetkey(["rotation", "plan", "--kind", "root", "--no-wait"]);
    const approvalId = asked.stdout.trim();
    for (const person of both) await person.approve(approvalId);
    const emergency = ["rotation", "plan", "--kind", "root", "--emergency", "--approval", approvalId];
    expect(await fleetkey(emergency)).toMatchObject({
      ...{ code: 1, stdout: "", stderr: expect.stringContaining("[approval_mismatch]") },
    });
  });
});

describe("authorities and keys", () => {
  it("are shown, and an authority's certificate is written as PEM", async () => {
    const out = join(server.place, "issuing-1.pem");
    expect(await fleetkey(["authority", "show", "issuing-1", "--out", out])).toMatchObject({
      ...{ code: 0, stdout: `${out}\n` },
    });
    const { serialNumber } = await read<{ serialNumber: string }>(["authority", "show", "issuing-1"]);
    expect(new X509Certificate(readFileSync(out)).serialNumber.toLowerCase()).toBe(serialNumber);
    expect(await fleetkey(["authority", "show", "issuing-9"])).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/\[not_found\]\n.+root-1, issuing-1/) },
    });
  });

  it("that are not in use are not replaced", async () => {
    expect(await fleetkey(["authority", "rotate", "issuing-2"])).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining("[authority_not_in_use]") },
    });
    const dry = await fleetkey(["authority", "rotate", "root-1", "--dry-run", "--algorithm", "P-256"]);
    expect(dry).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("root rollover root-1 to root-2, P-256"),
    });
  });

  it("are reported: age, cryptoperiod, condition, next action", async () => {
    const { code, stdout, stderr } = await fleetkey(["key", "report"]);
    expect(code, stderr).toBe(0);
    for (const name of ["root-1", "issuing-1", "ocsp-1", "trust-1"])
      expect(stdout).toMatch(new RegExp(`^\\w+ +${name} +\\S+ +used +ok +0 `, "m"));
    expect(stdout).toMatch(/^device +\d+ +\d+/m);
  });

  it("that wrap are rotated by their names; for a name that there is not, nobody is asked", async () => {
    expect(await fleetkey(["key", "rotate", "default-nothing"])).toMatchObject({
      ...{ code: 1, stdout: "", stderr: expect.stringMatching(/\[not_found\]\n.+fleetkey key report/) },
    });
    await nobodyAsked();
  });
});

describe("renewals", () => {
  it("are pulled forward, listed and let go again", async () => {
    const [from, until] = [1, 9].map((days) =>
      new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10),
    );
    const pull = ["renewal", "pull", "--from", `${from}`, "--until", `${until}`, "--reason", "superseded"];
    const pulled = await fleetkey([...pull, "--authority", "issuing-1"]);
    expect(pulled.code, pulled.stderr).toBe(0);
    expect(pulled.stdout).toMatch(
      new RegExp(
        `^[0-9a-f]{32}: certificates of issuing-1 issued before .+ renew from ${from}T.+\\(superseded\\)\n$`,
      ),
    );
    const id = pulled.stdout.slice(0, 32);
    expect((await fleetkey(["renewal", "list"])).stdout).toContain(id);
    expect(await fleetkey(["renewal", "end", id])).toMatchObject({ code: 0 });
    expect(await fleetkey(["renewal", "list"])).toMatchObject({
      stdout: "",
      stderr: expect.stringContaining("no windows"),
    });
    expect((await fleetkey(["renewal", "end", id])).code).toBe(1);
  });

  it("are not pulled into less than a week, but in an emergency", async () => {
    const [from, until] = [1, 2].map((days) =>
      new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10),
    );
    const pull = ["renewal", "pull", "--from", `${from}`, "--until", `${until}`, "--reason", "keyCompromise"];
    expect(await fleetkey(pull)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[request_invalid]"),
    });
    expect((await fleetkey([...pull, "--emergency"])).code).toBe(0);
  });
});

describe("a server's certificate", () => {
  const names = ["--dns", "api.example.com", "--dns", "www.example.com"];

  it("is requested until it is held, by any number of names", async () => {
    const request = ["server-cert", "request", "ingest-eu", ...names];
    const held = await fleetkey(request);
    expect(held.code, held.stderr).toBe(0);
    expect(held.stdout).toMatch(/^ingest-eu is current/);
    expect(held.stdout).toContain("names api.example.com, www.example.com; key P-256");
    const shown = await read<Record<string, unknown>>(["server-cert", "show", "ingest-eu"]);
    expect(shown).toMatchObject({ state: "current", certificateId: expect.any(String) });
    expect(await read(request)).toEqual(shown);
    expect((await fleetkey(["server-cert", "list"])).stdout).toMatch(/ingest-eu +current +P-256 /);
  }, 60_000);

  it("keeps its kind of key, and is not taken back to what there never was", async () => {
    const other = ["server-cert", "request", "ingest-eu", ...names, "--algorithm", "RSA-2048"];
    expect(await fleetkey(other)).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/\[server_certificate_mismatch\]\n.+another name/) },
    });
    expect((await fleetkey(["server-cert", "rollback", "ingest-eu"])).code).toBe(1);
    expect((await fleetkey(["server-cert", "resume", "ingest-eu"])).code).toBe(0);
  });

  it("is removed, and then there is none", async () => {
    const removed = await fleetkey(["server-cert", "remove", "ingest-eu"]);
    expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining("ingest-eu is removing") });
    await expect
      .poll(async () => (await fleetkey(["server-cert", "show", "ingest-eu"])).stderr, { timeout: 60_000 })
      .toContain("[not_found]");
  }, 90_000);
});

describe("what is read", () => {
  it.each([
    ["rotation", "status"],
    ["rotation", "list"],
    ["authority", "list"],
    ["key", "report"],
    ["ceremony", "list"],
    ["renewal", "list"],
    ["server-cert", "list"],
  ])("by %s %s is one JSON document under --json", async (...words) => {
    expect(await read(words)).toEqual(expect.any(Object));
  });
});
