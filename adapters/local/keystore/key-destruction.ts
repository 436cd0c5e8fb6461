/**
 * Room: adapters/local. The end of a key's file: overwritten, then removed. A file system that keeps old blocks keeps
 * the sealed key too, which is nothing without the master key.
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { removeFile, systemCode } from "../whole-files.ts";
import { parseKeyId } from "./key-id.ts";
import { isKeyFileOf, isOverwritten, keyFileName } from "./key-record.ts";
import { fileFailure } from "./private-files.ts";

/**
 * Destroys `keyId`; true when its file was there. Another key under the same alias stays. For one caller at a time:
 * the second of two would remove what has taken the name meanwhile.
 * @throws AppError key_service_unavailable; what a crash or a full disk leaves half done, the next call finishes.
 */
export async function destroyKeyFile(directory: string, keyId: string): Promise<boolean> {
  const name = keyFileName(parseKeyId(keyId).alias);
  return await destroyFile(
    join(directory, name),
    (content) => isOverwritten(content) || isKeyFileOf(content, keyId, name),
  );
}

/**
 * Destroys `path` where its content is `wanted`; true when it was. For one caller at a time, as above.
 * @throws AppError key_service_unavailable; what `wanted` throws.
 */
export async function destroyFile(
  path: string,
  wanted: (content: Buffer) => boolean = () => true,
): Promise<boolean> {
  try {
    const file = await open(path, "r+");
    try {
      if (!wanted(await file.readFile())) return false;
      await overwrite(file);
    } finally {
      await file.close();
    }
    await removeFile(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw fileFailure(path, error);
  }
}

async function overwrite(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  const zeros = Buffer.alloc(size);
  for (let written = 0; written < size; ) {
    written += (await file.write(zeros, written, size - written, written)).bytesWritten;
  }
  await file.sync();
}
