/** Room: cli. One process at a time on a directory or a results file. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileFailure } from "./credential-files.ts";
import { Failure, systemCode } from "./failure.ts";

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

async function holderOf(path: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const pid = /^\d+$/.test(text.trim()) ? Number(text) : undefined;
  return pid !== undefined && pid !== process.pid && isRunning(pid) ? pid : undefined;
}

/**
 * Runs `work` while `path` exists with our process id in it. The lock of a process that died is taken over.
 * Throws `locked` while another process runs.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await acquire(path);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, isRetry = false): Promise<void> {
  try {
    await writeFile(path, String(process.pid), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw fileFailure(error, path);
    const holder = await holderOf(path);
    if (holder !== undefined || isRetry) {
      const who = holder === undefined ? "another process" : `process ${holder}`;
      throw new Failure("localFile", "locked", `${who} is at work here (${path})`, {
        remedy: "wait for it to end, or end it, and run the same command again",
      });
    }
    await rm(path, { force: true });
    await acquire(path, true);
  }
}
