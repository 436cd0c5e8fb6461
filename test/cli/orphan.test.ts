/** Room: test. A server that npm started ends with npm, so that the next start finds its port free. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const main = join(import.meta.dirname, "../../cli/main.ts");
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "fleetkey-orphan-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is no such process any more.
    return false;
  }
}

async function isGoneWithin(pid: number, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (isRunning(pid) && Date.now() < deadline) await sleep(50);
  return !isRunning(pid);
}

/** A shell that runs the server as a child, as npm does; answers with both process ids once it serves. */
async function below(env: NodeJS.ProcessEnv) {
  const command = `"${process.execPath}" "${main}" serve --port 0 --data-dir "${dataDir}" & echo $!; wait`;
  const shell = spawn("sh", ["-c", command], { env, stdio: ["ignore", "pipe", "ignore"] });
  const lines = createInterface(shell.stdout)[Symbol.asyncIterator]();
  const server = Number((await lines.next()).value);
  await lines.next();
  return { shell, server };
}

describe("a server below a shell that is killed", () => {
  it("ends when npm started it", async () => {
    const { shell, server } = await below({ ...process.env, npm_lifecycle_event: "start" });
    const gone = once(shell, "exit");
    shell.kill("SIGKILL");
    await gone;
    expect(await isGoneWithin(server, 10_000)).toBe(true);
  });

  it("goes on when somebody else did", async () => {
    const { npm_lifecycle_event: _, ...env } = process.env;
    const { shell, server } = await below(env);
    const gone = once(shell, "exit");
    shell.kill("SIGKILL");
    await gone;
    expect(await isGoneWithin(server, 1_500)).toBe(false);
    process.kill(server, "SIGTERM");
    expect(await isGoneWithin(server, 10_000)).toBe(true);
  });
});
