/**
 * Room: adapters/local. Queries over one partition: the SQL of each shape, and the page it gives.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { type CursorPosition, decodeCursor, encodeCursor } from "../../../core/item-cursor.ts";
import { checkQuery, compareOctets, pageBytes } from "../../../core/item-limits.ts";
import type { Item, ItemPage, ItemQuery } from "../../../core/ports.ts";
import { columnNames, decodeItem, type ItemRow } from "./item-rows.ts";
import { indexColumns } from "./schema.ts";

// In SQLite every BLOB sorts after every TEXT: an empty one is the bound above all keys.
const aboveAll = new Uint8Array(0);
const belowAll = "";

/** SQL with its parameters. */
export interface Shape {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

/**
 * One range over one SQL index, so that page n costs what page 1 costs: the cursor is a bound of the range
 * and not a filter behind it.
 */
export function queryShape(query: ItemQuery, after: CursorPosition | undefined): Shape {
  const columns = query.index === undefined ? { pk: "pk", sk: "sk" } : indexColumns[query.index];
  const [direction, beyond, until] = query.descending === true ? ["DESC", "<", ">="] : ["ASC", ">", "<="];
  const near = query.descending === true ? (query.to ?? aboveAll) : (query.from ?? belowAll);
  const far = query.descending === true ? (query.from ?? belowAll) : (query.to ?? aboveAll);
  const order = query.index === undefined ? [columns.sk] : [columns.sk, "pk", "sk"];
  const start =
    after === undefined
      ? `${columns.sk} ${beyond}= ?`
      : `(${order.join(", ")}) ${beyond} (${order.map(() => "?").join(", ")})`;
  const resume =
    after === undefined ? [near] : [after.sortKey, after.item.pk, after.item.sk].slice(0, order.length);
  return {
    sql:
      `SELECT version, ${columnNames.join(", ")} FROM item ` +
      `WHERE ${columns.pk} = ? AND ${start} AND ${columns.sk} ${until} ? ` +
      `ORDER BY ${order.map((column) => `${column} ${direction}`).join(", ")} LIMIT ?`,
    // One more than asked for tells whether there is a next page.
    parameters: [query.pk, ...resume, far, query.limit + 1],
  };
}

function sortKeyOf(item: Item, query: ItemQuery): string {
  const key = query.index === undefined ? item : item.indexes?.[query.index];
  return key?.sk ?? item.sk;
}

/** Queries of one database; statements are prepared once a shape. */
export class ItemQueries {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** A page as the port promises it; it ends early after 1 MB of attributes. */
  page(query: ItemQuery): ItemPage {
    checkQuery(query);
    const after = decodeCursor(query);
    if (query.from !== undefined && query.to !== undefined && compareOctets(query.from, query.to) > 0) {
      return { items: [] };
    }
    const shape = queryShape(query, after);
    const items: Item[] = [];
    let octets = 0;
    for (const row of this.#rows(shape)) {
      const last = items.at(-1);
      if (last !== undefined && (items.length === query.limit || octets > pageBytes)) {
        return { items, cursor: encodeCursor(query, { sortKey: sortKeyOf(last, query), item: last }) };
      }
      items.push(decodeItem(row));
      octets += String(row["attributes"]).length;
    }
    return { items };
  }

  #rows(shape: Shape): Iterable<ItemRow> {
    let statement = this.#statements.get(shape.sql);
    if (statement === undefined) {
      statement = this.#database.prepare(shape.sql);
      this.#statements.set(shape.sql, statement);
    }
    return statement.iterate(...shape.parameters);
  }
}
