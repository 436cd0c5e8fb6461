/** A disk that fills up, for as long as vi.restoreAllMocks() is not called. */
import { type FileHandle, open } from "node:fs/promises";
import { vi } from "vitest";

/**
 * The append number `nth` from now, of any file, writes its first `octets` octets and fails with ENOSPC; later
 * ones succeed. Resolves to the prototype of file handles.
 */
export async function failingWrites(nth: number, octets: number): Promise<FileHandle> {
  const handle = await open("/dev/null");
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { appendFile } = prototype;
  let turn = 0;
  vi.spyOn(prototype, "appendFile").mockImplementation(async function (this: FileHandle, data, options) {
    turn += 1;
    if (turn !== nth) return appendFile.call(this, data, options);
    await this.write(Buffer.from(String(data)).subarray(0, octets));
    throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  });
  return prototype;
}
