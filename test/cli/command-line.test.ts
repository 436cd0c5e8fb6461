import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CommandGroup, commandTree } from "../../cli/command-tree.ts";
import { exitCodes } from "../../cli/exit-codes.ts";
import { runCli } from "./run-cli.ts";

function namesOf({ commands }: CommandGroup): readonly string[] {
  return Object.entries(commands).flatMap(([word, entry]) =>
    typeof entry === "function" ? [word] : namesOf(entry).map((name) => `${word} ${name}`),
  );
}

const secret = "s3cr3t-t0ken-that-must-not-be-shown";

describe("the command line", () => {
  const refused: { name: string; argv: string[]; says: RegExp }[] = [
    {
      name: "an unknown word",
      argv: ["frobnicate"],
      says: /no such command; fleetkey takes one of: serve, token/,
    },
    {
      name: "a word of another group",
      argv: ["cert", "enroll"],
      says: /fleetkey cert takes one of: list, search, export, show, revoke, release/,
    },
    { name: "a name of Object.prototype", argv: ["constructor"], says: /no such command/ },
    {
      name: "a group alone",
      argv: ["cert"],
      says: /takes one of: list, search, export, show, revoke, release/,
    },
    { name: "an unknown flag", argv: ["cert", "list", "--lmit", "3"], says: /unknown flag --lmit/ },
    {
      name: "an unknown flag before the words",
      argv: ["--lmit", "cert", "list"],
      says: /unknown flag --lmit/,
    },
    { name: "camel case for a flag", argv: ["doctor", "--dataDir", "x"], says: /unknown flag --dataDir/ },
    { name: "a flag without its value", argv: ["cert", "list", "--limit"], says: /--limit needs a value/ },
    {
      name: "a flag whose value is a flag",
      argv: ["cert", "list", "--device", "--limit"],
      says: /--device needs a value/,
    },
    { name: "an empty value", argv: ["cert", "list", "--device="], says: /--device has an empty value/ },
    { name: "a switch with a value", argv: ["cert", "list", "--json=yes"], says: /--json cannot be read/ },
    { name: "a negated switch", argv: ["cert", "list", "--no-json"], says: /unknown flag --no-json/ },
    {
      name: "a missing required flag",
      argv: ["token", "create"],
      says: /Missing required argument: --device/,
    },
    {
      name: "a missing argument",
      argv: ["cert", "show"],
      says: /Missing required positional argument: SERIAL/,
    },
    { name: "one argument too many", argv: ["cert", "show", "01", "02"], says: /1 argument\(s\) too many/ },
    {
      name: "a reason that is none",
      argv: ["cert", "revoke", "01", "--reason", "hold"],
      says: /Expected one of/,
    },
    { name: "a serial number that is none", argv: ["cert", "show", "0xfg"], says: /hexadecimal/ },
    { name: "a limit of 0", argv: ["cert", "list", "--limit", "0"], says: /whole number from 1/ },
    { name: "a port that is none", argv: ["serve", "--port", "65536"], says: /whole number from 0 to 65535/ },
    { name: "plain http", argv: ["doctor", "--url", "http://127.0.0.1"], says: /only https/ },
    {
      name: "a password in the URL",
      argv: ["doctor", "--url", "https://a:b@127.0.0.1"],
      says: /user name or password/,
    },
    { name: "a fleet that is a path", argv: ["doctor", "--fleet", "../x"], says: /fleet id/ },
    { name: "a device that is a path", argv: ["device", "enroll", "--device", "../x"], says: /device id/ },
    { name: "no device and no manifest", argv: ["device", "enroll"], says: /--device ID or --manifest/ },
    {
      name: "a device with a manifest",
      argv: ["device", "enroll", "--manifest", "f", "--device", "d"],
      says: /--device goes not/,
    },
    {
      name: "concurrency for one",
      argv: ["device", "enroll", "--device", "d", "--concurrency", "3"],
      says: /goes only with/,
    },
    {
      name: "a certificate without its key",
      argv: ["device", "enroll", "--device", "d", "--cert", "f"],
      says: /--cert FILE and --key FILE go together/,
    },
    {
      name: "a key without its certificate",
      argv: ["device", "enroll", "--device", "d", "--key", "f"],
      says: /--cert FILE and --key FILE go together/,
    },
    {
      name: "to wait for a manifest",
      argv: ["device", "enroll", "--manifest", "f", "--wait", "3"],
      says: /--wait goes not/,
    },
  ];
  it.each(refused)("refuses $name with exit 2", async ({ argv, says }) => {
    const { code, stdout, stderr } = await runCli(argv);
    expect(stderr).toMatch(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  const leaks: { name: string; argv: string[]; env?: Record<string, string>; stdin?: string }[] = [
    { name: "as a stray argument", argv: ["device", "enroll", "--device", "d", secret] },
    { name: "twice", argv: ["device", "enroll", "--device", "d", "--token", secret, "--token-file", secret] },
    {
      name: "with a blank inside",
      argv: ["device", "enroll", "--device", "d", "--token", `${secret} ${secret}`],
    },
    { name: "as a misspelt flag's value", argv: ["device", "enroll", "--device", "d", `--tokn=${secret}`] },
    { name: "behind a dash", argv: ["device", "enroll", "--device", "d", "--token", `-${secret}`] },
    { name: "as a switch's value", argv: ["device", "enroll", "--device", "d", `--force=${secret}`] },
    { name: "as a word", argv: ["device", secret] },
    {
      name: "from the environment, malformed",
      argv: ["device", "enroll", "--device", "d"],
      env: { FLEETKEY_TOKEN: `${secret}\nx` },
    },
    {
      name: "from stdin, malformed",
      argv: ["device", "enroll", "--device", "d", "--token", "-"],
      stdin: `${secret}\n${secret}`,
    },
  ];
  it.each(leaks)("never shows a token given $name", async ({ argv, env = {}, stdin = "" }) => {
    for (const json of [[], ["--json"]]) {
      const { code, stdout, stderr } = await runCli([...argv, ...json], {
        env: { FLEETKEY_DEBUG: "1", ...env },
        stdin,
      });
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain(secret);
    }
  });

  it("takes shared flags before the words as well as after", async () => {
    const flags = ["--json", "--data-dir", "/nowhere/fleetkey"];
    const before = await runCli([...flags, "cert", "list"]);
    const after = await runCli(["cert", "list", ...flags]);
    expect(before).toEqual(after);
    expect(JSON.parse(before.stdout)).toMatchObject({ error: { code: "file_missing", exitCode: 5 } });
  });

  it("shows a failure once as JSON on stdout and once for people on stderr", async () => {
    const { code, stdout, stderr } = await runCli(["cert", "show", "zz", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "usage", detail: expect.any(String), remedy: expect.any(String), exitCode: 2 },
    });
    expect(stderr).toMatch(/^error: .+ \[usage\]\n {2}see/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("colours a terminal only, and not under NO_COLOR or TERM=dumb", async () => {
    const sequence = "\u001b[";
    expect((await runCli(["x"], { isTTY: true })).stderr).toContain(sequence);
    for (const env of [{ NO_COLOR: "yes" }, { TERM: "dumb" }]) {
      expect((await runCli(["x"], { isTTY: true, env })).stderr).not.toContain(sequence);
      expect((await runCli(["--help"], { isTTY: true, env })).stdout).not.toContain(sequence);
    }
    expect((await runCli(["x"])).stderr).not.toContain(sequence);
  });
});

describe("help", () => {
  const groups = [
    ["--help"],
    ["-h"],
    ["device", "--help"],
    ["cert", "list", "--help"],
    ["--json", "doctor", "-h"],
  ];
  it.each(groups)("%s %s %s is data: stdout, exit 0", async (...argv) => {
    const { code, stdout, stderr } = await runCli(argv.filter((word) => word !== undefined));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("USAGE");
  });

  it("without a command goes to stderr, exit 2", async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("COMMANDS");
  });

  it("and docs/cli.md tell every exit code alike", async () => {
    const { stdout } = await runCli(["--help"]);
    const page = readFileSync("docs/cli.md", "utf8");
    for (const { code, meaning } of Object.values(exitCodes)) {
      expect(stdout).toContain(meaning);
      expect(page).toContain(`| ${code} | ${meaning} |`);
    }
  });

  it("of every command names its flags, and docs/cli.md names every command", async () => {
    const page = readFileSync("docs/cli.md", "utf8");
    const commands = namesOf(commandTree);
    expect(commands).toContain("device enroll");
    for (const command of commands) {
      const { stdout } = await runCli([...command.split(" "), "--help"]);
      expect(stdout).toContain(`fleetkey ${command}`);
      expect(page, command).toContain(`\`fleetkey ${command}`);
      for (const [flag] of stdout.matchAll(/--[a-z-]+/g)) expect(page, command).toContain(flag);
    }
  });
});
