/**
 * Room: test/support. An ItemStore in memory, for tests of many short lives: it keeps the whole contract, and opens in
 * no time. The contract's suite runs over it.
 */
import { AppError } from "../../core/errors.ts";
import { type CursorPosition, decodeCursor, encodeCursor } from "../../core/item-cursor.ts";
import {
  checkKey,
  checkOperations,
  checkQuery,
  compareOctets,
  operationKey,
} from "../../core/item-limits.ts";
import type { Condition, Item, ItemKey, ItemQuery, ItemStore, NewItem } from "../../core/ports.ts";

/** An item at its place: the sort key it has in the index, or its own. */
interface Placed {
  readonly sortKey: string;
  readonly item: Item;
}

const idOf = ({ pk, sk }: ItemKey): string => `${pk.length}:${pk}${sk}`;

/** The octets of the call, not what its buffers hold later. */
function copied(item: NewItem): NewItem {
  const attributes = Object.fromEntries(
    Object.entries(item.attributes).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Uint8Array.from(value) : structuredClone(value),
    ]),
  );
  return { ...item, attributes };
}

const holds = (when: Condition, item: Item | undefined): boolean => {
  if (when === "absent") return item === undefined;
  return when === "present" ? item !== undefined : item?.version === when;
};

function order(left: Placed, right: Placed): number {
  return (
    compareOctets(left.sortKey, right.sortKey) ||
    compareOctets(left.item.pk, right.item.pk) ||
    compareOctets(left.item.sk, right.item.sk)
  );
}

const positionOf = ({ sortKey, item: { pk, sk } }: Placed): CursorPosition => ({ sortKey, item: { pk, sk } });

class MemoryItemStore implements ItemStore {
  readonly #items = new Map<string, Item>();
  /** By index and partition; the items' own keys are the index without a name. */
  readonly #partitions = new Map<string, Map<string, Placed>>();

  async get(key: ItemKey): Promise<Item | undefined> {
    checkKey(key);
    await Promise.resolve();
    const item = this.#items.get(idOf(key));
    return item === undefined ? undefined : { ...item, ...copied(item) };
  }

  async query(query: ItemQuery) {
    checkQuery(query);
    const after = decodeCursor(query);
    await Promise.resolve();
    const { from, to, limit, descending = false } = query;
    const sign = descending ? -1 : 1;
    const placed = [...(this.#partitions.get(`${query.index ?? ""}\n${query.pk}`)?.values() ?? [])]
      .filter(({ sortKey }) => from === undefined || compareOctets(sortKey, from) >= 0)
      .filter(({ sortKey }) => to === undefined || compareOctets(sortKey, to) <= 0)
      .filter((each) => after === undefined || sign * order(each, after as Placed) > 0)
      .sort((left, right) => sign * order(left, right));
    const page = placed.slice(0, limit);
    const items = page.map(({ item }) => ({ ...item, ...copied(item) }));
    const last = page.at(-1);
    return placed.length > limit && last !== undefined
      ? { items, cursor: encodeCursor(query, positionOf(last)) }
      : { items };
  }

  async transact(operations: Parameters<ItemStore["transact"]>[0]): Promise<void> {
    checkOperations(operations);
    const writes = operations.map((each) => ("put" in each ? { ...each, put: copied(each.put) } : each));
    await Promise.resolve();
    const failedOperations = operations.flatMap((operation, index) =>
      holds(operation.when, this.#items.get(idOf(operationKey(operation)))) ? [] : [index],
    );
    if (failedOperations.length > 0)
      throw new AppError("store_condition_failed", "a condition does not hold", { failedOperations });
    for (const write of writes) {
      if ("put" in write) this.#put(write.put);
      else if ("delete" in write) this.#drop(write.delete);
    }
  }

  #put(item: NewItem): void {
    const version = (this.#items.get(idOf(item))?.version ?? 0) + 1;
    this.#drop(item);
    const stored = { ...item, version };
    this.#items.set(idOf(item), stored);
    for (const [partition, sortKey] of placesOf(item)) {
      const items = this.#partitions.get(partition) ?? new Map<string, Placed>();
      this.#partitions.set(partition, items.set(idOf(item), { sortKey, item: stored }));
    }
  }

  #drop(key: ItemKey): void {
    const item = this.#items.get(idOf(key));
    if (item === undefined) return;
    this.#items.delete(idOf(key));
    for (const [partition] of placesOf(item)) this.#partitions.get(partition)?.delete(idOf(key));
  }
}

function placesOf({ pk, sk, indexes = {} }: NewItem): readonly (readonly [partition: string, sk: string])[] {
  const indexed = Object.entries(indexes).map(([index, key]) => [`${index}\n${key.pk}`, key.sk] as const);
  return [[`\n${pk}`, sk], ...indexed];
}

export const memoryItemStore = (): ItemStore => new MemoryItemStore();
