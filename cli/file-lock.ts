/** Room: cli. One process at a time on a directory or a results file. */
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
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
    if (holder !== undefined || isRetry) throw locked(path, holder);
    await removeStale(path);
    await acquire(path, true);
  }
}

/** Moves the lock aside before it goes: if another process was quicker, what we hold is its lock, not the stale one. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw fileFailure(error, path);
  }
  const holder = await holderOf(aside);
  if (holder !== undefined) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  if (holder !== undefined) throw locked(path, holder);
}

function locked(path: string, holder: number | undefined): Failure {
  const who = holder === undefined ? "another process" : `process ${holder}`;
  return new Failure("localFile", "locked", `${who} is at work here (${path})`, {
    remedy:
      "wait for it to end, or end it; if it is no fleetkey, remove the lock; then run the same command again",
  });
}
