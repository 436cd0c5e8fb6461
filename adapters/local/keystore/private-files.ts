/**
 * Room: adapters/local. Files that only their owner may read, and that exist whole or not at all.
 */
import { type Stats, statSync } from "node:fs";
import { link, lstat, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../../core/errors.ts";
import {
  syncDirectory,
  systemCode,
  temporaryName,
  temporaryPattern,
  writeTemporary,
} from "../whole-files.ts";

const othersMayAccess = 0o077;

/** Publishing takes milliseconds, on a disk that stalls perhaps a minute: what is older was left by a kill. */
const leftoverMilliseconds = 600_000;

/** The error of the port for a failure of the file system. */
export function fileFailure(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = `key store file ${basename(path)}: ${systemCode(error) ?? "failed"}; check the disk and its permissions`;
  return new AppError("key_service_unavailable", message, { cause: error, retryAfter: 1 });
}

function checkOwnerOnly(path: string, stats: Stats, remedyMode: string): void {
  // Windows has no such bits: there the directory's access list decides.
  if (process.platform === "win32") return;
  const mode = stats.mode & 0o777;
  if ((mode & othersMayAccess) === 0) return;
  throw new AppError(
    "configuration_invalid",
    `${path} has mode ${mode.toString(8)}, limit ${remedyMode}: others could use its keys; ` +
      `run chmod ${remedyMode} ${path}, and rotate the keys if others had access`,
  );
}

/** @throws AppError key_service_unavailable: what cannot be known is neither there nor absent. */
export function isPresent(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw fileFailure(path, error);
  }
}

async function isLeftover(path: string): Promise<boolean> {
  const stats = await lstat(path);
  if (!stats.isFile()) return false;
  // A second link is the published file: nobody reads the first any more, and its owner may find it gone.
  return stats.nlink > 1 || Date.now() - stats.mtimeMs > leftoverMilliseconds;
}

/**
 * Removes from `directory` what a kill left of files that were being published, before backups carry it away:
 * at once when the file was published, else after 10 minutes, for it may be another process's work. What may
 * not be read or removed stays: tidying stops no service from starting.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((entry) => temporaryPattern.test(entry))) {
    const path = join(directory, name);
    if (await isLeftover(path).catch(() => false)) await rm(path, { force: true }).catch(() => undefined);
  }
}

/**
 * Makes `path` with mode 0700, or checks the directory that is there and removes leftovers from it.
 * @throws AppError configuration_invalid when others may enter it.
 */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    checkOwnerOnly(path, await stat(path), "700");
    await removeLeftovers(path);
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/**
 * The octets of `path`; undefined when there is no such file.
 * @throws AppError configuration_invalid when others than the owner may read it.
 */
export async function readPrivateFile(path: string): Promise<Buffer | undefined> {
  try {
    const file = await open(path, "r");
    try {
      checkOwnerOnly(path, await file.stat(), "600");
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw fileFailure(path, error);
  }
}

/** True when `path` is now another name of `temporary`; link, unlike rename, never replaces what is there. */
async function linkUnlessPresent(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Puts `content` at `path`, whole and on the disk, unless a file is there: then returns false and changes
 * nothing. Of several processes that try, one wins. A kill leaves at most a temporary file, see `removeLeftovers`.
 */
export async function publishPrivateFile(path: string, content: Uint8Array): Promise<boolean> {
  const temporary = join(dirname(path), temporaryName());
  try {
    let published: boolean;
    try {
      await writeTemporary(temporary, content);
      published = await linkUnlessPresent(temporary, path);
    } finally {
      // Also after a failure, and whether or not a process that starts now has removed it already.
      await rm(temporary, { force: true });
    }
    await syncDirectory(dirname(path));
    return published;
  } catch (error) {
    throw fileFailure(path, error);
  }
}
