/**
 * Room: adapters/local. One holder at a time among all processes of the machine. The lock is SQLite's on an empty
 * file: the system takes it back from a process that dies, so none is ever left behind.
 */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { whenUnlocked } from "./sqlite/lock-wait.ts";
import { systemCode } from "./whole-files.ts";

/**
 * SQLite would make it as wide as the umask allows. A file that is there is not opened: closing any descriptor of it
 * would take this process's locks on it away (POSIX, fcntl). Nothing comes between making and closing it.
 */
function makeEmpty(path: string): void {
  try {
    closeSync(openSync(path, "ax", 0o600));
  } catch (cause) {
    if (systemCode(cause) !== "EEXIST") throw cause;
  }
}

export class FileLock {
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  /** @param path The file to lock; made empty with mode 0600 when absent, in a directory that exists. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * What `work` returns, which nobody else's work overlaps.
   * @throws what `work` throws; SQLite's "busy" when another process holds the lock for five seconds.
   */
  hold<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => this.#hold(work));
    // A failure is its caller's; whoever comes next starts anew.
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #hold<Result>(work: () => Promise<Result>): Promise<Result> {
    makeEmpty(this.#path);
    const database = new DatabaseSync(this.#path);
    try {
      await whenUnlocked(() => database.exec("BEGIN EXCLUSIVE"));
      return await work();
    } finally {
      database.close();
    }
  }
}
