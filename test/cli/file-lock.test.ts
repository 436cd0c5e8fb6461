import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { withFileLock } from "../../cli/file-lock.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const taker = join(import.meta.dirname, "lock-taker.ts");
const run = promisify(execFile);

describe("a file lock", () => {
  it("holds its process's id while work runs, and leaves nothing behind", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "lock");
    const held = await withFileLock(path, async () => ({
      text: readFileSync(path, "utf8"),
      files: readdirSync(directory),
    }));
    expect(held).toEqual({ text: String(process.pid), files: ["lock"] });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("of another process stays, with its content, and nothing else is left", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "lock");
    writeFileSync(path, String(process.ppid));
    await expect(withFileLock(path, async () => undefined)).rejects.toMatchObject({ code: "locked" });
    expect(readdirSync(directory)).toEqual(["lock"]);
    expect(readFileSync(path, "utf8")).toBe(String(process.ppid));
  });

  it.each(["", "999999999", "no number"])(
    "that holds %j is of no living process and is taken over",
    async (text) => {
      const directory = temporaryDirectory();
      const path = join(directory, "lock");
      writeFileSync(path, text);
      expect(await withFileLock(path, async () => "done")).toBe("done");
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  it("is never seen empty: an empty one would be taken over", async () => {
    const path = join(temporaryDirectory(), "lock");
    const child = spawn(process.execPath, [taker, path, "1500"], { stdio: ["ignore", "pipe", "inherit"] });
    const seen = new Set<string>();
    let running = true;
    const ended = once(child.stdout.resume(), "close").then(() => (running = false));
    while (running) {
      for (let look = 0; look < 500; look += 1) {
        try {
          seen.add(readFileSync(path, "utf8"));
        } catch {
          // Not there at this moment.
        }
      }
      await new Promise((done) => setImmediate(done));
    }
    await ended;
    expect([...seen]).toEqual([String(child.pid)]);
  });

  it("lets one process in at a time, others killed with the lock in hand or not", async () => {
    const path = join(temporaryDirectory(), "lock");
    writeFileSync(path, "999999999");
    const takers = Array.from({ length: 4 }, () => run(process.execPath, [taker, path, "400"]));
    const isDone = Promise.all(takers).then((results) => results.map(({ stdout }) => stdout));
    for (let round = 0; round < 5; round += 1) {
      const victim = spawn(process.execPath, [taker, path, "1000000"], { stdio: "ignore" });
      await new Promise((done) => setTimeout(done, 100));
      victim.kill("SIGKILL");
      await once(victim, "exit");
    }
    const printed = (await isDone).join("");
    expect(printed).not.toContain("overlap");
    expect(printed.match(/^taken \d+$/gm)).toHaveLength(4);
  });
});
