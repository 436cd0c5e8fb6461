/**
 * Room: adapters/local. Steps of which every file is made that exists whole or not at all: written aside and synced,
 * given its name at once, its directory synced. Errors are the file system's own: callers say what they mean.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/** A file on its way to its name. */
export const temporaryName = (): string => `.${randomBytes(12).toString("hex")}.tmp`;
export const temporaryPattern = /^\.[0-9a-f]{24}\.tmp$/;

/** Such as ENOENT; undefined for what is no failure of the system. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Puts on the disk which names `path` holds. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Makes `path`, which must not exist, with mode 0600; its content is on the disk when the promise resolves. */
export async function writeTemporary(path: string, ...content: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    for (const part of content) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives `temporary` the name `path`, whatever had it; the name is on the disk when the promise resolves. */
export async function replaceBy(temporary: string, path: string): Promise<void> {
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Takes the name away, where there is one; that is on the disk when the promise resolves. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return;
    throw cause;
  }
  await syncDirectory(dirname(path));
}

/** Makes `path` and what is missing above it with mode 0700; the names are on the disk when the promise resolves. */
export async function makeDirectories(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}
