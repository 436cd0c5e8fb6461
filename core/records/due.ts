/**
 * Room: core/records. What is to be done at a time, over all fleets: items stand in the index `open` under the time at
 * which they are due, so that one query a shard finds them, and nothing is searched.
 */
import { hash } from "node:crypto";
import type { ItemKey } from "../ports.ts";
import { timeKey } from "./certificate-record.ts";

/** One shard of what is due. `shard`: one of `shards`. */
export const duePartition = (shard: string): string => `DUE#${shard}`;

/** The place of the item with this key, due at `time` (milliseconds since the epoch). */
export function dueKey(time: number, { pk, sk }: ItemKey): ItemKey {
  const name = `${pk}#${sk}`;
  return { pk: duePartition(hash("sha256", name).slice(0, 1)), sk: `${timeKey(time)}#${name}` };
}

/** Bounds of a query for what is due at `time` or before. */
export const dueUntil = (time: number): { readonly to: string } => ({ to: `${timeKey(time)}$` });
