/** What the parts of the ItemStore contract share: fresh partitions, whole-query reads, patience. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Item, ItemQuery, ItemStore, NewItem, WriteOperation } from "../../../core/ports.ts";

export type StoreOf = () => ItemStore;

/** A partition key that no other test has. */
export function freshPartition(): string {
  return `contract#${randomUUID()}`;
}

export function putNew(item: NewItem): WriteOperation {
  return { put: item, when: "absent" };
}

/** All pages of `query`, with the number of pages: a store may end any page early. */
export async function readAll(store: ItemStore, query: ItemQuery): Promise<{ items: Item[]; pages: number }> {
  const items: Item[] = [];
  let page = await store.query(query);
  let pages = 1;
  items.push(...page.items);
  while (page.cursor !== undefined) {
    page = await store.query({ ...query, cursor: page.cursor });
    items.push(...page.items);
    pages += 1;
  }
  return { items, pages };
}

export async function sortKeys(store: ItemStore, query: Omit<ItemQuery, "limit">): Promise<string[]> {
  return (await readAll(store, { ...query, limit: 100 })).items.map((item) => item.sk);
}

/**
 * Repeats `attempt` until it stops throwing: the port lets an index lag behind its items.
 * Ten seconds is far more than any store needs.
 */
export async function eventually(attempt: () => Promise<void>): Promise<void> {
  for (let left = 100; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await sleep(100);
    }
  }
}

/** Runs `workers` loops at once. */
export async function together(workers: number, loop: (worker: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: workers }, (_, worker) => loop(worker)));
}

/** The octets under `name`, as numbers to compare. */
export function octetsOf(item: Item | undefined, name: string): number[] {
  const value = item?.attributes[name];
  if (!(value instanceof Uint8Array)) throw new Error(`attribute ${name} is no octet string`);
  return [...value];
}
