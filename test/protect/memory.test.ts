/**
 * Room: test. Where a data key stands in a process, seen from outside. Linux lets a parent read its child's memory;
 * elsewhere the tests say that they did not.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type KeyServer, startKeyServer } from "./key-server.ts";

type Child = ChildProcessByStdio<Writable, Readable, null>;
const fixture = join(import.meta.dirname, "fixtures/remembering.ts");
let server: KeyServer;
let child: Child;
let answers: AsyncIterator<string>;

async function step(name: string): Promise<void> {
  child.stdin.write(`${name}\n`);
  expect((await answers.next()).value).toBe("done");
}

/** How often `needle` stands in what the process may write to. */
function occurrences(pid: number, needle: Buffer): number {
  const file = openSync(`/proc/${pid}/mem`, "r");
  let found = 0;
  for (const line of readFileSync(`/proc/${pid}/maps`, "latin1").split("\n")) {
    const [range = "", rights = ""] = line.split(" ");
    if (!rights.startsWith("rw") || line.includes("[v")) continue;
    const [from = 0, to = 0] = range.split("-").map((each) => Number.parseInt(each, 16));
    const region = Buffer.alloc(to - from);
    try {
      readSync(file, region, 0, region.byteLength, from);
    } catch {
      // A page that was given back meanwhile.
      continue;
    }
    for (let at = region.indexOf(needle); at !== -1; at = region.indexOf(needle, at + 1)) found += 1;
  }
  closeSync(file);
  return found;
}

beforeAll(async () => {
  server = await startKeyServer();
  const env = {
    ...process.env,
    SERVER: JSON.stringify({ url: server.url, ca: server.ca, ...server.client }),
  };
  child = spawn(process.execPath, ["--expose-gc", fixture], { env, stdio: ["pipe", "pipe", "inherit"] });
  answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
});
afterAll(async () => {
  const ended = once(child, "exit");
  child.stdin.write("end\n");
  await ended;
  await server.close();
});

// The SDK exports the key once for each message and leaves the octets to the collector, which overwrites nothing; the
// answer of the service was text, which nobody can overwrite. Both are in docs/data-protection.md.
it.runIf(existsSync("/proc/self/mem"))(
  "forgetting and collecting leaves of a data key what the SDK has exported for each message, and no more",
  async () => {
    await step("work");
    const [key = Buffer.alloc(0)] = server.dataKeys;
    const pid = child.pid ?? 0;
    const kept = occurrences(pid, key);
    await step("forget");
    await step("collect");
    const collected = occurrences(pid, key);
    expect(kept).toBeGreaterThan(collected);
    // Twenty written, twenty read; the two more are of the fetching of the key and of its opening.
    expect(collected).toBeLessThanOrEqual(20 + 20 + 2);
  },
);
