/** Room: cli. Files that hold credentials: read with a remedy, written whole or not at all. */
import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure, systemCode } from "./failure.ts";

/** What only its owner may read. */
export const privateMode = 0o600;
export const publicMode = 0o644;

const maxFileBytes = 1_048_576;

const remedies: Readonly<Record<string, string>> = {
  EACCES: "change its owner or mode, or run as the user who owns it",
  EPERM: "change its owner or mode, or run as the user who owns it",
  ENOSPC: "free some space and run the same command again",
  EROFS: "name a directory on a writable file system",
};

/** The system's error about `path` as a Failure with exit `localFile`. */
export function fileFailure(error: unknown, path: string, remedy?: string): Failure {
  const code = systemCode(error);
  if (error instanceof Failure || code === undefined) throw error;
  if (code === "ENOENT")
    return new Failure("localFile", "file_missing", `${path} does not exist`, { remedy });
  const message = `${path}: ${code === "EACCES" || code === "EPERM" ? "permission denied" : code}`;
  return new Failure("localFile", "file_failed", message, { remedy: remedies[code] ?? remedy, cause: error });
}

/** A small text file, whole. `remedy` tells how to get the file if it is missing. */
export async function readCredentialFile(path: string, remedy?: string): Promise<string> {
  return (await readFileBytes(path, maxFileBytes, remedy)).toString("utf8");
}

const tooLarge = (path: string, size: string, limit: number): Failure =>
  new Failure("localFile", "file_too_large", `${path} has ${size} bytes; at most ${limit} are read`);

/** Whatever the file said of its size: a device has none, and a file may grow. */
async function readAtMost(file: FileHandle, path: string, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let octets = 0;
  for await (const part of file.createReadStream({ end: limit, autoClose: false })) {
    parts.push(part as Buffer);
    octets += (part as Buffer).length;
  }
  if (octets > limit) throw tooLarge(path, `more than ${limit}`, limit);
  return Buffer.concat(parts);
}

/** A file of at most `limit` bytes; throws `file_too_large` above that, without reading more. */
export async function readFileBytes(path: string, limit: number, remedy?: string): Promise<Buffer> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > limit) throw tooLarge(path, String(size), limit);
      return await readAtMost(file, path, limit);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileFailure(error, path, remedy);
  }
}

export async function readFileIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw fileFailure(error, path);
  }
}

/** Makes the directory for its owner alone; an existing one keeps its mode. */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileFailure(error, path);
  }
}

/**
 * Replaces the file in one step: a crash leaves the old content or the new, on disk, never a part.
 * The mode is set before the first byte is written.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileFailure(error, path);
  }
}

/** Puts renames in `directory` on disk. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
