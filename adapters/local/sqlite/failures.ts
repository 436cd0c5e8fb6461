/**
 * Room: adapters/local. SQLite's result codes as errors of the ports.
 * Source: https://www.sqlite.org/rescode.html; the low octet is the primary code.
 */
import { AppError } from "../../../core/errors.ts";

const primaryCodes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  damaged: 11,
  full: 13,
  cannotOpen: 14,
  notDatabase: 26,
};

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** True when another connection holds the lock: the same statement may succeed a moment later. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === primaryCodes.busy || code === primaryCodes.locked;
}

const remedies: Readonly<Record<number, string>> = {
  [primaryCodes.busy]: "another process holds the item database's write lock; try again",
  [primaryCodes.locked]: "another process holds the item database's write lock; try again",
  [primaryCodes.readOnly]:
    "the item database is read-only; make its file and directory writable by this user",
  [primaryCodes.damaged]: "the item database is damaged; stop the service and restore it from a backup",
  [primaryCodes.full]: "the disk of the item database is full; free space and try again",
  [primaryCodes.cannotOpen]:
    "the item database cannot be opened; check that its directory exists and is writable",
};

function otherFailure(error: unknown): string {
  const inFileSystem = error instanceof Error && "syscall" in error && "code" in error;
  if (!inFileSystem) return "the item database failed; try again";
  return `the item database's file: ${error.code}; check its directory, and that both belong to this user`;
}

/** The error of the port for a failure of SQLite; errors that already belong to the port pass unchanged. */
export function storeFailure(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = primaryCode(error);
  if (code === primaryCodes.notDatabase) {
    const message = "the item database's file is not an SQLite database; choose another data directory";
    return new AppError("configuration_invalid", message, { cause: error });
  }
  const message = (code === undefined ? undefined : remedies[code]) ?? otherFailure(error);
  return new AppError("store_unavailable", message, { cause: error, retryAfter: 1 });
}
