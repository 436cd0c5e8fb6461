/**
 * Room: adapters/aws. The attributes of the item table, by name. The state stack makes the same table; a test
 * compares the two.
 */
import { indexNames } from "../../../core/item-limits.ts";
import type { IndexName } from "../../../core/ports.ts";

/** Top-level attributes of every item. An item's own attributes lie in the map, so no name of theirs collides. */
export const itemAttributes = {
  pk: "pk",
  sk: "sk",
  version: "version",
  attributes: "attributes",
  /** What time-to-live looks at: seconds since the epoch. */
  expiresAt: "expiresAt",
} as const;

export interface KeyAttributes {
  readonly pk: string;
  readonly sk: string;
}

/** The attributes, both strings, that put an item into an index. */
export function indexAttributes(index: IndexName): KeyAttributes {
  return { pk: `${index}Pk`, sk: `${index}Sk` };
}

/** Every index of the table with its key attributes. */
export const tableIndexes: readonly (readonly [IndexName, KeyAttributes])[] = indexNames.map((name) => [
  name,
  indexAttributes(name),
]);
