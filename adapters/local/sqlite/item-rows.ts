/**
 * Room: adapters/local. Items as rows: attributes are one JSON text, octet strings tagged in it.
 */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { AppError } from "../../../core/errors.ts";
import { indexNames } from "../../../core/item-limits.ts";
import type { Attributes, AttributeValue, IndexName, Item, ItemKey, NewItem } from "../../../core/ports.ts";
import { indexColumns } from "./schema.ts";

/** Columns in the order that `itemColumns` binds and `decodeItem` reads them, the version apart. */
export const columnNames = [
  "pk",
  "sk",
  "expires_at",
  "by_device_pk",
  "by_device_sk",
  "by_issue_pk",
  "by_issue_sk",
  "by_expiry_pk",
  "by_expiry_sk",
  "open_pk",
  "open_sk",
  "attributes",
] as const;

export type ItemRow = Readonly<Record<string, SQLOutputValue>>;

// Attributes are flat, so an object in the JSON can only be the tag of an octet string.
type StoredValue = string | number | boolean | readonly string[] | { readonly base64: string };

function encodeValue(value: AttributeValue): StoredValue {
  if (!(value instanceof Uint8Array)) return value;
  return { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
}

function encodeAttributes(attributes: Attributes): string {
  // fromEntries defines own properties, so that a name like __proto__ is data like any other.
  return JSON.stringify(
    Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, encodeValue(value)])),
  );
}

/** `item` as values for `columnNames`. The result shares nothing with `item`. */
export function itemColumns(item: NewItem): SQLInputValue[] {
  const keys = indexNames.flatMap((name) => {
    const key = item.indexes?.[name];
    return key === undefined ? [null, null] : [key.pk, key.sk];
  });
  return [item.pk, item.sk, item.expiresAt ?? null, ...keys, encodeAttributes(item.attributes)];
}

function damaged(column: string): AppError {
  const message = `item database holds an unreadable ${column}; restore it from a backup`;
  return new AppError("store_unavailable", message);
}

function text(row: ItemRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw damaged(column);
  return value;
}

function isStoredValue(value: unknown): value is StoredValue {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return true;
  if (Array.isArray(value)) return value.every((entry) => typeof entry === "string");
  return typeof value === "object" && value !== null && "base64" in value && typeof value.base64 === "string";
}

function decodeValue(value: unknown): AttributeValue {
  if (!isStoredValue(value)) throw damaged("attributes");
  if (typeof value === "object" && "base64" in value) return Buffer.from(value.base64, "base64");
  return value;
}

function decodeAttributes(json: string): Attributes {
  const stored: unknown = JSON.parse(json);
  if (typeof stored !== "object" || stored === null) throw damaged("attributes");
  return Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, decodeValue(value)]));
}

function decodeIndexes(row: ItemRow): Partial<Record<IndexName, ItemKey>> | undefined {
  const indexes: Partial<Record<IndexName, ItemKey>> = {};
  let found = false;
  for (const name of indexNames) {
    const { pk, sk } = indexColumns[name];
    if (row[pk] === null) continue;
    indexes[name] = { pk: text(row, pk), sk: text(row, sk) };
    found = true;
  }
  return found ? indexes : undefined;
}

/** The item a row of `version` and `columnNames` holds. */
export function decodeItem(row: ItemRow): Item {
  const version = row["version"];
  const expiresAt = row["expires_at"];
  if (typeof version !== "number") throw damaged("version");
  const indexes = decodeIndexes(row);
  return {
    pk: text(row, "pk"),
    sk: text(row, "sk"),
    version,
    attributes: decodeAttributes(text(row, "attributes")),
    ...(indexes === undefined ? {} : { indexes }),
    ...(typeof expiresAt === "number" ? { expiresAt } : {}),
  };
}
