/**
 * Room: cli. One process at a time on a directory or a results file. The lock is a file that holds its
 * process's id from the first moment: an empty one would look like a lock whose process died.
 */
import { randomBytes } from "node:crypto";
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

/** The process that holds the lock; `nobody` if it died, undefined if there is no lock. */
type Holder = number | "nobody" | undefined;

async function holderOf(path: string): Promise<Holder> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const pid = /^\d+$/.test(text.trim()) ? Number(text) : undefined;
  // Our own id was that of a process before us: in a container the same few ids come again and again.
  return pid !== undefined && pid !== process.pid && isRunning(pid) ? pid : "nobody";
}

/**
 * Runs `work` while `path` exists with our process id in it. The lock of a process that died is taken over.
 * Throws `locked` while another process runs.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const own = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await writeFile(own, String(process.pid), { flag: "wx", mode: 0o600 });
    await acquire(own, path);
  } catch (error) {
    throw fileFailure(error, path);
  } finally {
    await rm(own, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** How often the lock may vanish while we look at it before we say that others are quicker. */
const attempts = 10;

async function acquire(own: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (await putInPlace(own, path)) return;
    const holder = await holderOf(path);
    if (typeof holder === "number") throw locked(path, holder);
    if (holder === "nobody" && (await takeOver(own, path))) return;
  }
  throw locked(path, undefined);
}

/** What a file system without links answers: FAT, some network mounts. */
const linklessCodes: ReadonlySet<string | undefined> = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** Whole or not at all; false if there is a file already. */
async function putInPlace(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path).catch((error: unknown) => {
      if (!linklessCodes.has(systemCode(error))) throw error;
      // Better a lock that is empty for some microseconds than no command at all.
      return writeFile(path, String(process.pid), { flag: "wx", mode: 0o600 });
    });
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Replaces the lock of a process that died; false if the lock must be looked at again. A lock of its own
 * guards this, and under it the lock is judged anew: of two who saw the dead process's lock, the slower one
 * would else replace the lock of the quicker one.
 */
async function takeOver(own: string, path: string): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await putInPlace(own, guard))) {
    const holder = await holderOf(guard);
    // A guard whose process died is not removed here: a slower process would remove the next one's live guard.
    if (holder !== undefined) throw locked(guard, holder === "nobody" ? undefined : holder);
    return false;
  }
  try {
    if ((await holderOf(path)) !== "nobody") return false;
    await rename(own, path);
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

function locked(path: string, holder: number | undefined): Failure {
  const who = holder === undefined ? "another process" : `process ${holder}`;
  return new Failure("localFile", "locked", `${who} is at work here (${path})`, {
    remedy:
      "wait for it to end, or end it; if it is no fleetkey, remove the lock; then run the same command again",
  });
}
