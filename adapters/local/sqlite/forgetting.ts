/**
 * Room: adapters/local. That deleted octets leave the database's files. SQLite overwrites them in its pages
 * (`secure_delete`); the journal and the file hold older pages until they are written over and the journal is cut.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

export class Forgetting {
  readonly #checkpoint: StatementSync;
  // A process that was killed may have left something to do.
  #due = true;

  constructor(database: DatabaseSync) {
    // https://sqlite.org/pragma.html#pragma_wal_checkpoint: TRUNCATE leaves a journal of no octets.
    this.#checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Says that something was deleted and must go from the journal too. */
  require(): void {
    this.#due = true;
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
