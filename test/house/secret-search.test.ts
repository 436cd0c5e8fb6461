/** Room: test. The search that ends a CI run: what it reads, and that it can fail. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canaries } from "../../scripts/secrets/canaries.ts";

const root = join(import.meta.dirname, "../..");
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "fleetkey-search-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const search = () =>
  spawnSync(process.execPath, [join(root, "scripts/search-secrets.ts"), directory], { encoding: "utf8" });

/** Runs `code` in a process whose writing is watched as CI watches a run's. */
function watched(code: string): void {
  execFileSync(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: root,
    stdio: ["ignore", "ignore", "ignore"],
    env: {
      ...process.env,
      FLEETKEY_STDERR_COPY: directory,
      NODE_OPTIONS: `--import=${join(root, "test/support/stderr-copy.mjs")}`,
    },
  });
}

const line = { time: "2026-03-01T00:00:00.000Z", level: "info", event: "request", status: 200 };

describe("a run's writing", () => {
  it("is copied, of every process that a test starts, and of logs that tests keep in memory", () => {
    const log = `const { recordingLog } = await import("./test/support/fleet-app.ts");
      recordingLog([]).info("kept_in_memory", { status: 200 });
      process.stderr.write(${JSON.stringify(`${JSON.stringify(line)}\n`)});`;
    watched(log);
    const copies = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
    expect(copies.join("")).toContain("kept_in_memory");
    expect(copies.join("")).toContain('"event":"request"');
    const { status, stdout } = search();
    expect(stdout).toContain("2 of the product's log: 0 secrets");
    expect(status).toBe(0);
  });

  it.each([
    ["a token that was logged and never redacted", { ...line, detail: "Q".repeat(43) }],
    ["a person's name", { ...line, detail: canaries[0] }],
    ["a person's address", { ...line, subjectId: "someone@example.org" }],
  ])("with %s fails", (_name, members) => {
    watched(`process.stderr.write(${JSON.stringify(`${JSON.stringify(members)}\n`)})`);
    const { status, stdout } = search();
    expect(status).toBe(1);
    expect(stdout).toContain("line 1: ");
    // It tells where, and not what.
    for (const secret of [canaries[0] ?? "", "Q".repeat(43), "someone@example.org"])
      expect(stdout).not.toContain(secret);
  });

  it("of nothing fails: a search of nothing proves nothing", () => {
    expect(search().status).toBe(1);
    writeFileSync(join(directory, "1.log"), "a line that is no log's\n");
    expect(search().status).toBe(1);
  });
});
