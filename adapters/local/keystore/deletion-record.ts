/**
 * Room: adapters/local. When a key is to be destroyed: a file beside the key's, there as long as nobody may sign with
 * it. It stays when the key is gone, so that a process which has the key in memory knows that too.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../core/errors.ts";
import { systemCode } from "../whole-files.ts";
import { parseKeyId } from "./key-id.ts";

const formatVersion = 1;

export interface DeletionRecord {
  readonly keyId: string;
  /** Milliseconds since the epoch. */
  readonly deletionAt: number;
}

/** Of this very key: another one under the same alias has a file of its own. @throws AppError key_not_found. */
export function deletionPath(directory: string, keyId: string): string {
  const { alias, suffix } = parseKeyId(keyId);
  return join(directory, `deletion.${alias.replaceAll("/", ".")}.${suffix}.json`);
}

/**
 * Whether a deletion of `keyId` is scheduled or done. Some microseconds: asked before every signature, which so is
 * refused from the moment of the schedule on, whichever process made it.
 * @throws AppError key_service_unavailable: what cannot be known is no leave to sign.
 */
export function isLeaving(directory: string, keyId: string): boolean {
  try {
    return statSync(deletionPath(directory, keyId), { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const message = `key store directory: ${systemCode(cause) ?? "failed"}; check the disk and its permissions`;
    throw new AppError("key_service_unavailable", message, { cause, retryAfter: 1 });
  }
}

export function encodeDeletion({ keyId, deletionAt }: DeletionRecord): Buffer {
  return Buffer.from(`${JSON.stringify({ version: formatVersion, keyId, deletionAt }, null, 2)}\n`, "utf8");
}

function parseFields(content: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const stored: unknown = JSON.parse(Buffer.from(content).toString("utf8"));
    return typeof stored === "object" && stored !== null ? { ...stored } : {};
  } catch {
    return {};
  }
}

/**
 * @throws AppError key_service_unavailable when damaged or another key's (the key signs nothing, and is not destroyed
 * either, until a person has looked); configuration_invalid when of a newer release.
 */
export function parseDeletion(content: Uint8Array, keyId: string): DeletionRecord {
  const { version, keyId: of, deletionAt } = parseFields(content);
  if (typeof version === "number" && version > formatVersion) {
    const message = `deletion of a key has version ${version}, this release knows ${formatVersion}; run the release that wrote it`;
    throw new AppError("configuration_invalid", message);
  }
  if (of === keyId && typeof deletionAt === "number" && Number.isSafeInteger(deletionAt) && deletionAt > 0)
    return { keyId, deletionAt };
  const message =
    "the file that says when a key is to be destroyed is damaged; restore it from a backup, or remove it to keep the key";
  throw new AppError("key_service_unavailable", message, { retryAfter: 300 });
}
