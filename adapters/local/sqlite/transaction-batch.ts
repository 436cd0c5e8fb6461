/**
 * Room: adapters/local. Many transactions of the port in one transaction of SQLite.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { AppError } from "../../../core/errors.ts";
import { operationKey } from "../../../core/item-limits.ts";
import type { Condition, WriteOperation } from "../../../core/ports.ts";
import type { Forgetting } from "./forgetting.ts";
import { columnNames, itemColumns } from "./item-rows.ts";

/** An operation cut loose from the caller's objects. `columns` only for a put; `octets` about what it writes. */
export interface PreparedOperation {
  readonly kind: "put" | "delete" | "check";
  readonly pk: string;
  readonly sk: string;
  readonly when: Condition;
  readonly columns: readonly SQLInputValue[];
  readonly octets: number;
}

/** Why one transaction of a batch wrote nothing; undefined when it is part of the commit. */
export type Refusal = AppError | undefined;

export function prepareOperation(operation: WriteOperation): PreparedOperation {
  const { pk, sk } = operationKey(operation);
  const kind = "put" in operation ? "put" : "delete" in operation ? "delete" : "check";
  const columns = "put" in operation ? itemColumns(operation.put) : [];
  const octets = columns.reduce<number>(
    (sum, value) => sum + (typeof value === "string" ? value.length : 8),
    0,
  );
  return { kind, pk, sk, when: operation.when, columns, octets };
}

interface Found {
  readonly rowid: number;
  readonly version: number;
}

function holds(condition: Condition, found: Found | undefined): boolean {
  if (condition === "absent") return found === undefined;
  return found !== undefined && (condition === "present" || condition === found.version);
}

const columnList = columnNames.join(", ");
const parameterList = columnNames.map(() => "?").join(", ");
const assignments = columnNames.map((column) => `${column} = ?`).join(", ");

/** Runs batches on one database; its statements are prepared once. */
export class TransactionBatch {
  readonly #database: DatabaseSync;
  readonly #forgetting: Forgetting;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, forgetting: Forgetting) {
    this.#database = database;
    this.#forgetting = forgetting;
    this.#find = database.prepare("SELECT rowid, version FROM item WHERE pk = ? AND sk = ?");
    this.#insert = database.prepare(`INSERT INTO item (version, ${columnList}) VALUES (1, ${parameterList})`);
    this.#update = database.prepare(`UPDATE item SET version = version + 1, ${assignments} WHERE rowid = ?`);
    this.#delete = database.prepare("DELETE FROM item WHERE rowid = ?");
  }

  /**
   * Commits the transactions whose conditions hold, each judged on the state that those before it leave.
   * The outcomes are in the batch's order and true once this returns: COMMIT has reached the disk. What was deleted is
   * then overwritten, unless somebody reads at that moment: see `Forgetting`.
   * @throws the failure of SQLite, with nothing of the batch written.
   */
  run(transactions: readonly (readonly PreparedOperation[])[]): Refusal[] {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const outcomes = transactions.map((operations) => this.#apply(operations));
      this.#database.exec("COMMIT");
      this.#forgetting.attempt();
      return outcomes;
    } catch (error) {
      // SQLite may have rolled back by itself, on a full disk for instance.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** All conditions first, then the writes: as a key appears once, no write can change a condition. */
  #apply(operations: readonly PreparedOperation[]): Refusal {
    const found = operations.map((operation) => this.#lookUp(operation));
    const failed = operations.flatMap((operation, at) => (holds(operation.when, found[at]) ? [] : [at]));
    if (failed.length > 0) {
      const which = failed.length === 1 ? "condition of operation" : "conditions of operations";
      const message = `${which} ${failed.join(", ")} did not hold; read again and decide anew`;
      return new AppError("store_condition_failed", message, { failedOperations: failed });
    }
    for (const [at, operation] of operations.entries()) this.#write(operation, found[at]);
    return undefined;
  }

  #lookUp(operation: PreparedOperation): Found | undefined {
    const row = this.#find.get(operation.pk, operation.sk);
    return row === undefined ? undefined : { rowid: Number(row["rowid"]), version: Number(row["version"]) };
  }

  #write(operation: PreparedOperation, found: Found | undefined): void {
    if (operation.kind === "put") {
      if (found === undefined) this.#insert.run(...operation.columns);
      else this.#update.run(...operation.columns, found.rowid);
    } else if (operation.kind === "delete" && found !== undefined) {
      this.#delete.run(found.rowid);
      this.#forgetting.require();
    }
  }
}
