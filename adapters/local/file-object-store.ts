/**
 * Room: adapters/local. The ObjectStore on the file system: one file an object, replaced whole, shared by the processes
 * of a machine. Files are their owner's alone (0600): readers over HTTP receive them from the service.
 */
import { type FileHandle, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, isAppError } from "../../core/errors.ts";
import { checkObject, checkObjectKey, checkObjectSize } from "../../core/object-limits.ts";
import type { NewObject, ObjectStore, ObjectVersion, StoredObject } from "../../core/ports.ts";
import { FileLock } from "./file-lock.ts";
import { decodeHead, decodeObject, encodeHead, headerOctets, objectPath } from "./objects/object-file.ts";
import { ensurePrivateDirectory } from "./private-directory.ts";
import { isBusy } from "./sqlite/failures.ts";
import {
  makeDirectories,
  removeFile,
  replaceBy,
  systemCode,
  temporaryName,
  writeTemporary,
} from "./whole-files.ts";

export interface FileObjectStoreOptions {
  /** Made with mode 0700 when absent; the store's own, nothing else may stand in it. */
  readonly directory: string;
}

/**
 * Opens the store, making its directory when absent and removing what a kill left of unfinished puts.
 * @throws AppError configuration_invalid when others may enter the directory; store_unavailable.
 */
export async function openFileObjectStore(options: FileObjectStoreOptions): Promise<ObjectStore> {
  const { directory } = options;
  try {
    await ensurePrivateDirectory(directory);
  } catch (cause) {
    // Shared with the key store, which has another word for a disk that fails.
    throw isAppError(cause, "configuration_invalid") ? cause : unavailable(cause);
  }
  return new FileObjectStore(directory);
}

/** The error of the port for a failure of the file system; errors that already belong to the port pass unchanged. */
function failure(cause: unknown): AppError {
  return cause instanceof AppError ? cause : unavailable(cause);
}

function unavailable(cause: unknown): AppError {
  const message = isBusy(cause)
    ? "another process is writing objects; try again"
    : `object file: ${systemCode(cause) ?? "failed"}; check the disk and its permissions`;
  return new AppError("store_unavailable", message, { cause, retryAfter: 1 });
}

/** What `read` makes of the file, or undefined when there is none. */
async function readIfPresent<Result>(
  path: string,
  read: (file: FileHandle) => Promise<Result>,
): Promise<Result | undefined> {
  try {
    const file = await open(path, "r");
    try {
      return await read(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return undefined;
    throw failure(cause);
  }
}

class FileObjectStore implements ObjectStore {
  readonly #directory: string;
  readonly #lock: FileLock;

  constructor(directory: string) {
    this.#directory = directory;
    this.#lock = new FileLock(join(directory, ".lock"));
  }

  async get(key: string): Promise<StoredObject | undefined> {
    checkObjectKey(key);
    return readIfPresent(this.#path(key), async (file) => {
      checkObjectSize((await file.stat()).size - headerOctets);
      return decodeObject(key, await file.readFile());
    });
  }

  async put(
    key: string,
    object: NewObject,
    when?: "absent" | { readonly tag: string },
  ): Promise<ObjectVersion> {
    checkObject(key, object);
    // The caller may reuse its buffer while this one waits for its turn.
    const body = Uint8Array.from(object.body);
    const { line, tag } = encodeHead(key, { ...object, body });
    const temporary = join(this.#directory, temporaryName());
    try {
      await writeTemporary(temporary, line, body);
      await this.#lock.hold(async () => {
        if (when !== undefined) await this.#check(key, when);
        await makeDirectories(dirname(this.#path(key)));
        await replaceBy(temporary, this.#path(key));
      });
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw failure(cause);
    }
    return { tag };
  }

  async remove(key: string): Promise<void> {
    checkObjectKey(key);
    try {
      await this.#lock.hold(() => removeFile(this.#path(key)));
    } catch (cause) {
      throw failure(cause);
    }
  }

  /** While the lock is held: nobody puts between this look and the replacement. */
  async #check(key: string, when: "absent" | { readonly tag: string }): Promise<void> {
    const current = await readIfPresent(this.#path(key), async (file) => {
      const start = Buffer.alloc(headerOctets);
      const { bytesRead } = await file.read(start, 0, headerOctets, 0);
      return decodeHead(key, start.subarray(0, bytesRead));
    });
    const holds = when === "absent" ? current === undefined : current?.tag === when.tag;
    if (holds) return;
    throw new AppError("store_condition_failed", "the object is not as expected; read it and decide anew");
  }

  #path(key: string): string {
    return join(this.#directory, objectPath(key));
  }
}
