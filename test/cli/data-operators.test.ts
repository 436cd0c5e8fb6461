/** What operators do with data at rest: read it in an emergency, and destroy its keys; each over HTTPS, with passkeys. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approvedBy } from "./approved-by.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { firstPerson, openInvitation, type Person } from "./person.ts";
import { type RunOptions, runCli } from "./run-cli.ts";

let server: LocalServer;
let owner: Person;
let officer: Person;
beforeAll(async () => {
  server = await startLocalServer();
  owner = await firstPerson(server);
  const invite = ["operator", "invite", "operator-2", "--roles", "securityOfficer"];
  const { stdout } = await approvedBy([owner], () => server.fleetkey(invite));
  officer = await openInvitation(server, stdout);
  const argv = ["backend", "create", "records", "--purpose", "*", "--data-dir", server.dataDir];
  expect((await runCli(argv, { env: { FLEETKEY_URL: server.url } })).code).toBe(0);
});
afterAll(() => server.stop());

const fleetkey = (argv: readonly string[], options?: RunOptions) => server.fleetkey(argv, options);
const placeOf = (name: string): string => join(server.place, name);
const contextOf = (subject: string): readonly string[] => ["--purpose", "observations", "--subject", subject];
const asBackend = (argv: readonly string[], options?: RunOptions) =>
  runCli([...argv, "--data-dir", server.dataDir, "--backend", "records"], options);

async function written(subject: string, plaintext = "systolic 120"): Promise<string> {
  const out = placeOf(`${subject}.msg`);
  const { code } = await asBackend(["encrypt", ...contextOf(subject), "--out", out], { stdin: plaintext });
  expect(code).toBe(0);
  return out;
}

const notices = (): string => readFileSync(join(server.dataDir, "notices.jsonl"), "utf8");
const reading = /the request is ([0-9a-f]{32})/;
const reason = "the patient is unconscious in ward 7";

describe("decrypt --break-glass", () => {
  const breakGlass = (subject: string, ...more: string[]) => [
    ...["decrypt", "--break-glass", ...contextOf(subject), ...more],
  ];

  it("tells others, takes a passkey, and reads; the reason stands nowhere in the clear", async () => {
    const message = await written("s-read");
    const out = placeOf("read");
    const argv = breakGlass("s-read", "--in", message, "--reason", reason, "--out", out);
    const { code, stdout, stderr } = await approvedBy([owner], () => fleetkey(argv));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${out}\n` });
    expect(stderr).toContain("others were told");
    expect(readFileSync(out, "utf8")).toBe("systolic 120");
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const told = notices();
    expect(told).toContain("data.read-requested");
    expect(told).toContain("data.read-by-operator");
    expect(told + stderr).not.toContain("unconscious");
  });

  it("--no-wait ends with the approval's id; --reading and --approval go on, once", async () => {
    const message = await written("s-later");
    const asked = await fleetkey(breakGlass("s-later", "--reason", reason, "--no-wait"), {
      stdin: readFileSync(message),
    });
    expect(asked).toMatchObject({ code: 6, stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
    const approvalId = asked.stdout.trim();
    const decryptionId = reading.exec(asked.stderr)?.[1] ?? "";
    const goOn = breakGlass("s-later", "--reading", decryptionId, "--approval", approvalId);
    expect((await fleetkey([...goOn, "--no-wait"])).code).toBe(6);
    await owner.approve(approvalId);
    expect(await fleetkey(goOn)).toMatchObject({ code: 0, stdout: "systolic 120" });
    const again = await fleetkey(goOn);
    expect(again).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("executed") });
    expect(again.stderr).toContain("ask again with --break-glass --reason TEXT");
    // One that was read already is not read again with another approval either.
    const anew = breakGlass("s-later", "--reading", decryptionId);
    expect(await approvedBy([owner], () => fleetkey(anew))).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("ask again with --break-glass --reason TEXT"),
    });
  });

  it("interrupted while it waits, says how to go on without another request", async () => {
    const message = await written("s-interrupted");
    const argv = breakGlass("s-interrupted", "--in", message, "--reason", reason);
    const broken = await fleetkey(argv, { interruptAt: "/passkeys" });
    expect(broken.code).toBe(130);
    const decryptionId = reading.exec(broken.stderr)?.[1] ?? "";
    const approvalId = /--approval ([0-9a-f]{32})/.exec(broken.stderr)?.[1] ?? "";
    expect(broken.stderr).toContain(`--reading ${decryptionId} in the place of --reason`);
    await owner.approve(approvalId);
    const goOn = breakGlass("s-interrupted", "--reading", decryptionId, "--approval", approvalId);
    expect(await fleetkey(goOn)).toMatchObject({ code: 0, stdout: "systolic 120" });
  });

  it("of another context is refused before anybody is asked to approve", async () => {
    const message = await written("s-other");
    const refused = await fleetkey(breakGlass("s-none", "--in", message, "--reason", reason));
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("[data_unreadable]");
    expect(refused.stderr).not.toContain("/passkeys");
  });

  it.each([
    { name: "neither reason nor reading", flags: [] },
    { name: "both", flags: ["--reason", "x", "--reading", "0".repeat(32)] },
    { name: "an approval of another request", flags: ["--reason", "x", "--approval", "0".repeat(32)] },
    { name: "a backend", flags: ["--reason", "x", "--backend", "records"] },
    { name: "a reading that is a path", flags: ["--reading", "../../fleets"] },
    { name: "--json without a file", flags: ["--reason", "x", "--json"] },
    { name: "an empty reason", flags: ["--reason", ""] },
  ])("refuses $name", async ({ flags }) => {
    expect((await fleetkey(breakGlass("s-read", ...flags), { stdin: "x" })).code).toBe(2);
  });

  it("takes no message that is too large to be kept, and none from a backend", async () => {
    const large = placeOf("large");
    writeFileSync(large, Buffer.alloc(400_000));
    const argv = breakGlass("s-read", "--reason", reason, "--in", large);
    expect(await fleetkey(argv)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("[file_too_large]"),
    });
    const directory = join(server.dataDir, "backends", "records");
    const credential = ["--cert", join(directory, "fullchain.pem"), "--key", join(directory, "device.key")];
    const message = await written("s-backend");
    const asked = await fleetkey(breakGlass("s-backend", "--reason", reason, "--in", message, ...credential));
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining("[access_denied]") });
  });
});

describe("shred", () => {
  it("subject: two people approve it, nothing of the subject is read any more, the certificate says so", async () => {
    expect((await fleetkey(["shred", "list"])).stderr).toContain("nothing was destroyed");
    const message = await written("s-erased");
    const other = await written("s-kept");
    const argv = ["shred", "subject", "s-erased", "--reason", "erasure-request", "--json"];
    const { code, stdout, stderr } = await approvedBy([owner, officer], () => fleetkey(argv));
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const done = JSON.parse(stdout) as Record<string, unknown>;
    expect(done).toMatchObject({ state: "done", scope: "subject", subject: "s-erased", destroyed: 1 });
    expect(done["certificateDigest"]).toMatch(/^[0-9a-f]{64}$/);
    const unread = await asBackend(["decrypt", ...contextOf("s-erased"), "--in", message]);
    expect(unread).toMatchObject({ code: 1, stdout: "" });
    expect(unread.stderr).toMatch(/\[(?:subject_shredded|data_unreadable)\]/);
    expect((await asBackend(["encrypt", ...contextOf("s-erased")], { stdin: "x" })).code).toBe(1);
    expect((await asBackend(["decrypt", ...contextOf("s-kept"), "--in", other])).stdout).toBe("systolic 120");
    const shredId = String(done["shredId"]);
    expect((await fleetkey(["shred", "list", "--limit", "1"])).stdout).toContain(shredId);
    const shown = await fleetkey(["shred", "show", shredId]);
    expect(shown.stdout).toContain(`${shredId} of subject s-erased is done, 1 keys destroyed`);
    expect(shown.stdout).toContain(`SHA-256 ${String(done["certificateDigest"])}`);
    expect(shown.stdout).toContain('"destroyedAt"');
  });

  it("--no-wait asks alone; --approval goes on when both have approved, with that subject alone", async () => {
    await written("s-asked");
    const argv = ["shred", "subject", "s-asked", "--reason", "retention-ended"];
    const asked = await fleetkey([...argv, "--no-wait"]);
    expect(asked).toMatchObject({ code: 6, stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
    const approvalId = asked.stdout.trim();
    await owner.approve(approvalId);
    expect((await fleetkey([...argv, "--approval", approvalId, "--no-wait"])).code).toBe(6);
    await officer.approve(approvalId);
    const other = ["shred", "subject", "s-kept", "--reason", "retention-ended", "--approval", approvalId];
    expect(await fleetkey(other)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[approval_mismatch]"),
    });
    expect(await fleetkey([...argv, "--approval", approvalId])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("of subject s-asked is done"),
    });
  });

  it.each([
    { name: "a subject like a number of a person", argv: ["subject", "078-05-1120", "--reason", "incident"] },
    { name: "a subject like an address", argv: ["subject", "jane.doe@example.test", "--reason", "incident"] },
    { name: "a reason of one's own", argv: ["subject", "s-1", "--reason", "asked by Jane"] },
    { name: "no reason", argv: ["subject", "s-1"] },
    { name: "an id that is none", argv: ["show", "../x"] },
  ])("refuses $name before anything is sent", async ({ argv }) => {
    const { code, stdout } = await fleetkey(["shred", ...argv, "--url", "https://127.0.0.1:1"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("fleet: of all that it has protected, at last", async () => {
    const message = await written("s-last");
    const argv = ["shred", "fleet", "--reason", "decommissioned"];
    const { code, stdout, stderr } = await approvedBy([owner, officer], () => fleetkey(argv));
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain("of the whole fleet is done");
    const out = placeOf("never");
    const unread = await asBackend(["decrypt", ...contextOf("s-last"), "--in", message, "--out", out]);
    expect(unread).toMatchObject({ code: 1, stdout: "" });
    expect(existsSync(out)).toBe(false);
    expect((await asBackend(["encrypt", ...contextOf("s-new")], { stdin: "x" })).code).toBe(1);
  });
});
