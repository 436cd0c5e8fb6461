/**
 * Room: adapters/local. That deleted octets leave the database's files. SQLite overwrites them in its pages
 * (`secure_delete`); the journal and the file hold older pages until they are written over and the journal is cut. What
 * SQLite moved between pages before it was deleted goes with a rewriting of the file, where a store has that.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Rewriting } from "./rewriting.ts";

export class Forgetting {
  readonly #checkpoint: StatementSync;
  readonly #rewriting: Rewriting | undefined;
  // A process that was killed may have left something to do.
  #due = true;

  /** @param rewrites Whether the file is written anew, a second after a deletion. */
  constructor(database: DatabaseSync, rewrites: boolean) {
    // https://sqlite.org/pragma.html#pragma_wal_checkpoint: TRUNCATE leaves a journal of no octets.
    this.#checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#rewriting = rewrites ? new Rewriting(database, () => this.#cut()) : undefined;
  }

  /** Says that something was deleted and must go from the files too; in the transaction that deletes. */
  require(): void {
    this.#due = true;
    this.#rewriting?.require();
  }

  /** All that is due, at once: before the database is closed, and when it was opened. Throws nothing. */
  finish(): void {
    this.#rewriting?.attempt();
    this.#rewriting?.stop();
    this.attempt();
  }

  /** What was written anew is in the journal first, and the file has the old pages. */
  #cut(): void {
    this.#due = true;
    this.attempt();
  }

  /**
   * Does what is due, outside of transactions. Whoever reads at that moment may hinder it; then it stays due, and is
   * tried again with the next commit or sweep. It throws nothing: what was committed stays so.
   */
  attempt(): void {
    if (!this.#due) return;
    try {
      const row = this.#checkpoint.get();
      this.#due = row === undefined || Number(row["busy"]) !== 0;
    } catch {
      // Tried again: the checkpoint is no part of the commit before it.
      this.#due = true;
    }
  }
}
