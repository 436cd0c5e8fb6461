/** Room: local. Files that are replaced whole: a reader sees the old content or the new, also after a kill. */
import { open, readFile, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncDirectory, systemCode, temporaryName } from "../adapters/local/whole-files.ts";

/** Writes `content` to `path` with `mode`, on the disk when the promise resolves. */
export async function replaceFile(path: string, content: string, mode: 0o600 | 0o644): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  const handle = await open(temporary, "wx", mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Content of `path`, or undefined when there is no such file. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
