/**
 * Room: adapters/local. The ItemStore on node:sqlite: one file, durable, shared by the processes of a machine.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { AppError } from "../../core/errors.ts";
import { checkKey, checkOperations } from "../../core/item-limits.ts";
import type { Item, ItemKey, ItemPage, ItemQuery, ItemStore, WriteOperation } from "../../core/ports.ts";
import { CommitQueue } from "./sqlite/commit-queue.ts";
import { storeFailure } from "./sqlite/failures.ts";
import { Forgetting } from "./sqlite/forgetting.ts";
import { ItemQueries } from "./sqlite/item-queries.ts";
import { columnNames, decodeItem } from "./sqlite/item-rows.ts";
import { whenUnlocked } from "./sqlite/lock-wait.ts";
import { openDatabase } from "./sqlite/schema.ts";
import { prepareOperation, TransactionBatch } from "./sqlite/transaction-batch.ts";

export interface SqliteItemStoreOptions {
  /** The database file, or ":memory:" for a store that is gone when closed. */
  readonly path: string;
  /**
   * Writes the whole file anew a second after a deletion, and when it is closed, so that no page holds what was deleted.
   * For a small store: it takes some 10 ms for each MB. @default false
   */
  readonly rewrites?: boolean;
}

const sweepItems = 1_000;

/**
 * Opens the store, making its file (0600) and directory (0700) when absent.
 * @throws AppError configuration_invalid for a database of a newer release or a file that is none;
 * store_unavailable when the file cannot be used.
 */
export async function openSqliteItemStore(options: SqliteItemStoreOptions): Promise<SqliteItemStore> {
  const { path, rewrites = false } = options;
  return new SqliteItemStore(await openDatabase(path), rewrites);
}

/** As the port promises; besides, an index never lags. Made by `openSqliteItemStore`. */
export class SqliteItemStore implements ItemStore {
  readonly #database: DatabaseSync;
  readonly #forgetting: Forgetting;
  readonly #commits: CommitQueue;
  readonly #queries: ItemQueries;
  readonly #get: StatementSync;
  readonly #sweep: StatementSync;
  #closing: Promise<void> | undefined;

  constructor(database: DatabaseSync, rewrites = false) {
    this.#database = database;
    this.#forgetting = new Forgetting(database, rewrites);
    // A process that was killed may have left something to do.
    this.#forgetting.finish();
    this.#commits = new CommitQueue(new TransactionBatch(database, this.#forgetting));
    this.#queries = new ItemQueries(database);
    this.#get = database.prepare(
      `SELECT version, ${columnNames.join(", ")} FROM item WHERE pk = ? AND sk = ?`,
    );
    this.#sweep = database.prepare(
      "DELETE FROM item WHERE rowid IN (SELECT rowid FROM item WHERE expires_at < ? LIMIT ?)",
    );
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    checkKey(key);
    return this.#run(() => {
      const row = this.#get.get(key.pk, key.sk);
      return row === undefined ? undefined : decodeItem(row);
    });
  }

  async query(query: ItemQuery): Promise<ItemPage> {
    return this.#run(() => this.#queries.page(query));
  }

  async transact(operations: readonly WriteOperation[]): Promise<void> {
    checkOperations(operations);
    const prepared = operations.map(prepareOperation);
    this.#checkOpen();
    await this.#commits.commit(prepared);
  }

  /**
   * Drops the items whose `expiresAt` lies before `nowSeconds`, in small commits, and overwrites what was deleted.
   * Resolves to their number.
   * @throws AppError store_unavailable; what was dropped before stays dropped.
   */
  async sweep(nowSeconds: number): Promise<number> {
    let total = 0;
    for (;;) {
      const dropped = await this.#run(() => Number(this.#sweep.run(nowSeconds, sweepItems).changes));
      total += dropped;
      if (dropped > 0) await this.#run(() => this.#forgetting.require());
      if (dropped < sweepItems) break;
      await nextTurn();
    }
    this.#forgetting.attempt();
    return total;
  }

  /** Lets transactions under way finish, then closes. Later calls fail with store_unavailable. */
  close(): Promise<void> {
    this.#closing ??= this.#commits.idle().then(() => {
      this.#forgetting.finish();
      this.#database.close();
    });
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new AppError("store_unavailable", "the item store is closed; open it again");
  }

  async #run<Result>(work: () => Result): Promise<Result> {
    try {
      return await whenUnlocked(() => {
        this.#checkOpen();
        return work();
      });
    } catch (error) {
      throw storeFailure(error);
    }
  }
}
