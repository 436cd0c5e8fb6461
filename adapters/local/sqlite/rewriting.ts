/**
 * Room: adapters/local. That deleted octets leave pages which they had left before: SQLite moves rows from page to page
 * when pages fill and empty, overwrites what it deletes, and leaves what it moved. The whole file is written anew, in
 * memory and then in its place (https://sqlite.org/lang_vacuum.html): for a small store whose deletions are promises.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** A rewriting takes some 10 ms for each MB, and a destruction of many keys comes in many commits. */
const pauseMilliseconds = 1_000;
/** SQLite keeps 32 bits, with a sign. */
const largestMark = 0x3f_ff_ff_ff;

export class Rewriting {
  readonly #database: DatabaseSync;
  readonly #read: StatementSync;
  readonly #done: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param done Called after each: the journal holds the old pages still. */
  constructor(database: DatabaseSync, done: () => void) {
    this.#database = database;
    this.#read = database.prepare("PRAGMA user_version");
    this.#done = done;
  }

  /** Not zero: something was deleted since the file was written anew, by whichever process. */
  get #mark(): number {
    return Number(this.#read.get()?.["user_version"] ?? 0);
  }

  /** Within the transaction that deletes, so that whoever is killed leaves it to the next. */
  require(): void {
    this.#database.exec(`PRAGMA user_version = ${(this.#mark % largestMark) + 1}`);
    this.#timer ??= setTimeout(() => this.attempt(), pauseMilliseconds).unref();
  }

  /** Does what is due, outside of transactions. It throws nothing: where others hinder it, it is tried again. */
  attempt(): void {
    this.stop();
    try {
      const mark = this.#mark;
      if (mark === 0) return;
      this.#database.exec("VACUUM");
      this.#settle(mark);
    } catch {
      this.#timer = setTimeout(() => this.attempt(), pauseMilliseconds).unref();
    }
    this.#done();
  }

  /** Waits for nothing more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Unless another process has deleted more meanwhile. */
  #settle(mark: number): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      if (this.#mark === mark) this.#database.exec("PRAGMA user_version = 0");
    } finally {
      this.#database.exec("COMMIT");
    }
  }
}
