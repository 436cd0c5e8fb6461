/** Messages of a manifest under their newest keys: whole, resumable, many at once; and the fleet's own re-encryptions. */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { type RunOptions, type RunResult, runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let server: LocalServer;
beforeAll(async () => {
  server = await startLocalServer();
  const argv = ["backend", "create", "records", "--purpose", "*", "--data-dir", server.dataDir];
  expect((await runCli(argv, { env: { FLEETKEY_URL: server.url } })).code).toBe(0);
});
afterAll(() => server.stop());

const asBackend = (argv: readonly string[], options?: RunOptions) =>
  runCli([...argv, "--data-dir", server.dataDir, "--backend", "records"], options);

interface Context {
  readonly purpose: string;
  readonly subject: string;
}
const old = (index: number): Context => ({ purpose: "observations", subject: `s-${index}` });
const next = (index: number): Context => ({ purpose: "archive", subject: `s-${index}` });
const flags = ({ purpose, subject }: Context): readonly string[] => [
  "--purpose",
  purpose,
  "--subject",
  subject,
];

async function written(place: string, index: number): Promise<string> {
  const out = join(place, `m-${index}.msg`);
  const { code, stderr } = await asBackend(["encrypt", ...flags(old(index)), "--out", out], {
    stdin: `plaintext ${index}`,
  });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return out;
}

const plaintextOf = async (file: string, context: Context): Promise<string> =>
  (await asBackend(["decrypt", ...flags(context), "--in", file])).stdout;

interface Line {
  readonly place: string;
  readonly manifest: string;
  readonly results: string;
  readonly files: readonly string[];
  run(options?: RunOptions, ...more: string[]): Promise<RunResult>;
  recorded(): readonly Record<string, unknown>[];
}

/** Messages to move to another context, for the newest key of their own is the one that they are under. */
async function line(count: number, isMoved = true): Promise<Line> {
  const place = temporaryDirectory();
  const files: string[] = [];
  for (let index = 0; index < count; index += 1) files.push(await written(place, index));
  const manifest = join(place, "messages.jsonl");
  const rows = files.map((file, index) => ({
    file: basename(file),
    context: old(index),
    ...(isMoved ? { to: next(index) } : {}),
  }));
  writeFileSync(manifest, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const results = `${manifest}.results.jsonl`;
  return {
    place,
    manifest,
    results,
    files,
    run: (options, ...more) => asBackend(["reencrypt", "--manifest", manifest, ...more], options),
    recorded: () =>
      readFileSync(results, "utf8")
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text) as Record<string, unknown>),
  };
}

describe("reencrypt --manifest", () => {
  it("leaves what is under the newest key of its context as it is", async () => {
    const { run, files, results } = await line(2, false);
    const before = files.map((file) => readFileSync(file));
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${results}\n` });
    expect(stderr).toContain("0 moved, 2 as they should be, 0 done before, 0 failed, 0 left");
    expect(files.map((file) => readFileSync(file))).toEqual(before);
  });

  it("moves messages to another context, each as it was: mode, link, plaintext", async () => {
    const { run, files, place, manifest } = await line(3);
    const [first = "", second = ""] = files;
    chmodSync(first, 0o640);
    const kept = join(place, "kept");
    copyFileSync(second, kept);
    rmSync(second);
    symlinkSync("kept", second);
    const { code, stdout } = await run({}, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      results: `${manifest}.results.jsonl`,
      messages: 3,
      moved: 3,
      unchanged: 0,
      failed: 0,
      skipped: 0,
    });
    expect(statSync(first).mode & 0o777).toBe(0o640);
    for (const [index, file] of files.entries())
      expect(await plaintextOf(file, next(index))).toBe(`plaintext ${index}`);
    expect(await plaintextOf(kept, next(1))).toBe("plaintext 1");
    expect((await asBackend(["decrypt", ...flags(old(0)), "--in", first])).code).toBe(1);
  });

  it("again asks for nothing that is done, and what has changed since is taken again", async () => {
    const { run, files } = await line(2);
    await run();
    // Nobody listens there.
    const again = await run({}, "--url", "https://127.0.0.1:1");
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("2 done before") });
    const { stderr } = await asBackend(["encrypt", ...flags(old(0)), "--out", files[0] ?? ""], {
      stdin: "new",
    });
    expect(stderr).toBe("");
    expect((await run()).stderr).toContain("1 moved, 0 as they should be, 1 done before");
    expect(await plaintextOf(files[0] ?? "", next(0))).toBe("new");
  });

  it("takes up what a kill left between a file and its record", async () => {
    const { run, files, results, recorded } = await line(3);
    await run();
    const kept = readFileSync(results, "utf8").split("\n").slice(0, 1);
    // The last record was cut short too.
    writeFileSync(results, `${kept[0]}\n{"file":"`);
    const { code, stderr } = await run();
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("0 moved, 2 as they should be, 1 done before, 0 failed"),
    });
    expect(recorded()).toHaveLength(3);
    for (const [index, file] of files.entries())
      expect(await plaintextOf(file, next(index))).toBe(`plaintext ${index}`);
  });

  it("interrupted, ends what is in flight, says so, and goes on from there", async () => {
    const { run, files, results } = await line(12);
    const stop = new AbortController();
    const watching = setInterval(() => {
      if (existsSync(results) && readFileSync(results, "utf8").includes("\n")) stop.abort();
    }, 1);
    const broken = await run({ interrupted: stop.signal }, "--concurrency", "1").finally(() =>
      clearInterval(watching),
    );
    expect(broken.code).toBe(130);
    const left = /(\d+) left/.exec(broken.stderr)?.[1];
    expect(Number(left)).toBeGreaterThan(0);
    const { code, stderr } = await run();
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("0 failed, 0 left") });
    expect(stderr).toContain(`${12 - Number(left)} done before`);
    for (const [index, file] of files.entries())
      expect(await plaintextOf(file, next(index))).toBe(`plaintext ${index}`);
  });

  it.each([
    { name: "no JSON", row: "{" },
    { name: "no object", row: "[]" },
    { name: "no file", row: '{"context":{"purpose":"a","subject":"b"}}' },
    { name: "no subject", row: '{"file":"m-9.msg","context":{"purpose":"a"}}' },
    { name: "a member that is no text", row: '{"file":"m-9.msg","context":{"purpose":"a","subject":7}}' },
    { name: "a misspelt member", row: '{"file":"m-9.msg","context":{"purpose":"a","subject":"b"},"too":{}}' },
    {
      name: "a subject like a number of a person",
      row: '{"file":"m-9.msg","context":{"purpose":"a","subject":"078-05-1120"}}',
    },
    {
      name: "a broken new context",
      row: '{"file":"m-9.msg","context":{"purpose":"a","subject":"b"},"to":{"purpose":"a"}}',
    },
    { name: "a file that comes again", row: '{"file":"./m-0.msg","context":{"purpose":"a","subject":"b"}}' },
  ])("a row with $name costs nothing, and is named without what it holds", async ({ row }) => {
    const { run, files, manifest, results } = await line(1);
    appendFileSync(manifest, `${row}\n`);
    const before = readFileSync(files[0] ?? "");
    const { code, stderr } = await run();
    expect({ code, stderr }).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("[manifest_malformed]"),
    });
    expect(stderr).toContain("line 2");
    expect(stderr).not.toContain("078-05-1120");
    expect(existsSync(results)).toBe(false);
    expect(readFileSync(files[0] ?? "").equals(before)).toBe(true);
  });

  it("goes on over messages that fail, with status 3 and their reasons, and tries them again", async () => {
    const { run, files, recorded } = await line(4);
    const [first = "", second = "", third = ""] = files;
    rmSync(first);
    const whole = readFileSync(second);
    writeFileSync(second, "no message");
    copyFileSync(files[3] ?? "", third);
    const failed = await run();
    expect(failed).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("1 moved, 0 as they should be"),
    });
    expect(failed.stderr).toContain("3 failed, 0 left");
    const codes = recorded().map(({ file, status, code }) => [basename(String(file)), status, code]);
    expect(codes.sort()).toEqual([
      ["m-0.msg", "failed", "file_missing"],
      ["m-1.msg", "failed", "data_unreadable"],
      ["m-2.msg", "failed", "data_unreadable"],
      ["m-3.msg", "moved", undefined],
    ]);
    expect(readFileSync(second, "utf8")).toBe("no message");
    writeFileSync(second, whole);
    expect((await run()).stderr).toContain("1 moved, 0 as they should be, 1 done before, 2 failed");
  });

  it("stops at what every message would meet: no service, an operator's certificate", async () => {
    const { run, manifest, files } = await line(3);
    const unreachable = await run({}, "--url", "https://127.0.0.1:1", "--attempts", "1");
    expect(unreachable).toMatchObject({ code: 4, stderr: expect.stringContaining("3 left") });
    const operator = await server.fleetkey(["reencrypt", "--manifest", manifest]);
    expect(operator).toMatchObject({ code: 1, stderr: expect.stringContaining("--backend NAME") });
    for (const [index, file] of files.entries())
      expect(await plaintextOf(file, old(index))).toBe(`plaintext ${index}`);
  });

  it.each([
    ["--concurrency", "0"],
    ["--attempts", "none"],
  ])("refuses %s %s", async (flag, value) => {
    const { run } = await line(1);
    expect((await run({}, flag, value)).code).toBe(2);
  });
});

describe("reencryption", () => {
  it("start waits until every key was opened again; list and show tell of it, and cancel comes too late", async () => {
    const none = await server.fleetkey(["reencryption", "list"]);
    expect(none).toMatchObject({ code: 0, stdout: "", stderr: "no re-encryptions\n" });
    const { code, stdout, stderr } = await server.fleetkey(["reencryption", "start", "--json"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const done = JSON.parse(stdout) as Record<string, unknown>;
    expect(done).toMatchObject({ state: "done", unreadable: 0, endedAt: expect.any(String) });
    expect(Number(done["verified"])).toBeGreaterThan(0);
    const id = String(done["reencryptionId"]);
    const list = await server.fleetkey(["reencryption", "list", "--limit", "1"]);
    expect(list.stdout).toContain(id);
    const shown = await server.fleetkey(["reencryption", "show", id, "--watch"]);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining(`${id} is done`) });
    const late = await server.fleetkey(["reencryption", "cancel", id]);
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining("[job_state_invalid]") });
    expect(late.stderr).toContain("fleetkey reencryption list");
  });

  it("cancel stops one that runs, or says that it is over", async () => {
    const started = await server.fleetkey(["reencryption", "start", "--no-wait", "--json"]);
    expect(started.code).toBe(0);
    const { reencryptionId } = JSON.parse(started.stdout) as { reencryptionId: string };
    const cancelled = await server.fleetkey(["reencryption", "cancel", reencryptionId, "--json"]);
    if (cancelled.code === 0) expect(JSON.parse(cancelled.stdout)).toMatchObject({ state: "cancelled" });
    else expect(cancelled.stderr).toContain("[job_state_invalid]");
  });

  it.each(["show", "cancel"])("%s takes no id that is none", async (command) => {
    expect((await server.fleetkey(["reencryption", command, "../x"])).code).toBe(2);
    const unknown = await server.fleetkey(["reencryption", command, "0".repeat(32)]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("[not_found]") });
  });

  it("is no backend's to start", async () => {
    const directory = join(server.dataDir, "backends", "records");
    const credential = ["--cert", join(directory, "fullchain.pem"), "--key", join(directory, "device.key")];
    const { code, stderr } = await server.fleetkey(["reencryption", "start", ...credential]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("[access_denied]") });
  });
});
