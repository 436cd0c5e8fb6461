/**
 * Room: adapters/aws. Items as DynamoDB's attribute values, and back. An item's own attributes are one map; keys,
 * version, expiry and index keys are attributes of their own.
 */
import type { AttributeValue as StoredValue } from "@aws-sdk/client-dynamodb";
import { AppError } from "../../../core/errors.ts";
import type { Attributes, AttributeValue, IndexName, Item, ItemKey, NewItem } from "../../../core/ports.ts";
import { callersSortKey, indexSortKey } from "./index-sort-key.ts";
import { indexAttributes, itemAttributes, tableIndexes } from "./table-schema.ts";

export type StoredItem = Record<string, StoredValue>;

// DynamoDB keeps 38 digits; a double's shortest decimal form has at most 17 and reads back as the same double.
const encodeNumber = (value: number): StoredValue => ({ N: String(value) });

function encodeValue(value: AttributeValue): StoredValue {
  if (typeof value === "string") return { S: value };
  if (typeof value === "number") return encodeNumber(value);
  if (typeof value === "boolean") return { BOOL: value };
  // A copy: the request is written later, and the caller may use its octets again.
  if (value instanceof Uint8Array) return { B: Uint8Array.from(value) };
  return { L: value.map((entry) => ({ S: entry })) };
}

function encodeAttributes(attributes: Attributes): StoredValue {
  // fromEntries defines own properties, so that a name like __proto__ is data like any other.
  return {
    M: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, encodeValue(value)])),
  };
}

/** The table's primary key of the item. */
export function encodeKey(key: ItemKey): StoredItem {
  return { [itemAttributes.pk]: { S: key.pk }, [itemAttributes.sk]: { S: key.sk } };
}

/** The key attributes of an item in an index. */
export function encodeIndexKey(index: IndexName, sortKey: ItemKey, item: ItemKey): StoredItem {
  const names = indexAttributes(index);
  return { [names.pk]: { S: sortKey.pk }, [names.sk]: { S: indexSortKey(sortKey.sk, item) } };
}

/** `item` as it is stored under `version`. The result shares nothing with `item`. */
export function encodeItem(item: NewItem, version: number): StoredItem {
  const stored: StoredItem = {
    ...encodeKey(item),
    [itemAttributes.version]: encodeNumber(version),
    [itemAttributes.attributes]: encodeAttributes(item.attributes),
  };
  if (item.expiresAt !== undefined) stored[itemAttributes.expiresAt] = encodeNumber(item.expiresAt);
  for (const [index] of tableIndexes) {
    const key = item.indexes?.[index];
    if (key !== undefined) Object.assign(stored, encodeIndexKey(index, key, item));
  }
  return stored;
}

function damaged(attribute: string): AppError {
  const message =
    `the item table holds an item whose attribute "${attribute}" is not this program's; ` +
    "find what else writes the table, and restore the item from a backup";
  return new AppError("internal", message);
}

/** The string under `name`. @throws AppError internal when there is none. */
export function storedText(stored: StoredItem, name: string): string {
  const text = stored[name]?.S;
  if (text === undefined) throw damaged(name);
  return text;
}

function storedNumber(stored: StoredItem, name: string): number {
  const digits = stored[name]?.N;
  if (digits === undefined) throw damaged(name);
  return Number(digits);
}

function decodeValue(value: StoredValue): AttributeValue {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.B !== undefined) return value.B;
  if (value.L === undefined) throw damaged(itemAttributes.attributes);
  return value.L.map((entry) => {
    if (entry.S === undefined) throw damaged(itemAttributes.attributes);
    return entry.S;
  });
}

function decodeAttributes(stored: StoredItem): Attributes {
  const map = stored[itemAttributes.attributes]?.M;
  if (map === undefined) throw damaged(itemAttributes.attributes);
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, decodeValue(value)]));
}

/** The caller's sort key in the index. @throws AppError internal when the attribute is not one of ours. */
export function storedSortKey(stored: StoredItem, index: IndexName): string {
  const { sk } = indexAttributes(index);
  const sortKey = callersSortKey(storedText(stored, sk));
  if (sortKey === undefined) throw damaged(sk);
  return sortKey;
}

function decodeIndexes(stored: StoredItem): Partial<Record<IndexName, ItemKey>> | undefined {
  const indexes: Partial<Record<IndexName, ItemKey>> = {};
  for (const [index, { pk }] of tableIndexes) {
    if (stored[pk] === undefined) continue;
    indexes[index] = { pk: storedText(stored, pk), sk: storedSortKey(stored, index) };
  }
  return Object.keys(indexes).length === 0 ? undefined : indexes;
}

/** @throws AppError internal for an item that `encodeItem` did not make. */
export function decodeItem(stored: StoredItem): Item {
  const indexes = decodeIndexes(stored);
  return {
    pk: storedText(stored, itemAttributes.pk),
    sk: storedText(stored, itemAttributes.sk),
    version: storedNumber(stored, itemAttributes.version),
    attributes: decodeAttributes(stored),
    ...(indexes === undefined ? {} : { indexes }),
    ...(stored[itemAttributes.expiresAt] === undefined
      ? {}
      : { expiresAt: storedNumber(stored, itemAttributes.expiresAt) }),
  };
}
