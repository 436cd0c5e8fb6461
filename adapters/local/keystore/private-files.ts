/**
 * Room: adapters/local. Files that only their owner may read, and that exist whole or not at all.
 */
import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { link, mkdir, open, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../../core/errors.ts";

const othersMayAccess = 0o077;

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The error of the port for a failure of the file system. */
function fileFailure(path: string, error: unknown): AppError {
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

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function writeTemporary(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Makes `path` with mode 0700, or checks the directory that is there.
 * @throws AppError configuration_invalid when others may enter it.
 */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    checkOwnerOnly(path, await stat(path), "700");
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

/**
 * Puts `content` at `path`, whole and on the disk, unless a file is there: then returns false and changes
 * nothing. Of several processes that try, one wins. A kill leaves at most a nameless temporary file.
 */
export async function publishPrivateFile(path: string, content: Uint8Array): Promise<boolean> {
  const temporary = join(dirname(path), `.${randomBytes(12).toString("hex")}.tmp`);
  try {
    await writeTemporary(temporary, content);
    // link, unlike rename, never replaces what another process has published meanwhile.
    const published = await link(temporary, path).then(
      () => true,
      (error: unknown) => {
        if (systemCode(error) === "EEXIST") return false;
        throw error;
      },
    );
    await unlink(temporary);
    await syncDirectory(dirname(path));
    return published;
  } catch (error) {
    throw fileFailure(path, error);
  }
}
