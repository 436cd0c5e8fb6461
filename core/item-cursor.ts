/**
 * Room: core. The cursor of an item query: where the last page ended, tied to the query it belongs to.
 * Stores of any make can resume from a position, so the encoding is one for all.
 */
import { hash } from "node:crypto";
import { AppError } from "./errors.ts";
import { compareOctets, itemLimits } from "./item-limits.ts";
import type { ItemKey, ItemQuery } from "./ports.ts";

/** The last item of a page: its sort key in the queried index, and its own key. */
export interface CursorPosition {
  readonly sortKey: string;
  readonly item: ItemKey;
}

// Three keys of 1,024 octets, escaped by JSON and then in base64url, stay below this.
const cursorCharacters = 32_768;

/** Limit and cursor may differ from page to page; all else makes it another query. */
function fingerprint(query: ItemQuery): string {
  const identity = [query.index, query.pk, query.from, query.to, query.descending === true];
  return hash("sha256", JSON.stringify(identity.map((part) => part ?? null)), "base64url").slice(0, 22);
}

/** The opaque cursor that resumes `query` after `position`: base64url, at most 32,768 characters. */
export function encodeCursor(query: ItemQuery, position: CursorPosition): string {
  const parts = [fingerprint(query), position.sortKey, position.item.pk, position.item.sk];
  return Buffer.from(JSON.stringify(parts), "utf8").toString("base64url");
}

function invalid(cause?: unknown): AppError {
  const message = "cursor does not belong to this query; start again without a cursor";
  return new AppError("cursor_invalid", message, { cause });
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch (cause) {
    throw invalid(cause);
  }
}

function isKey(value: unknown): value is string {
  if (typeof value !== "string" || !value.isWellFormed()) return false;
  const length = Buffer.byteLength(value, "utf8");
  return length >= 1 && length <= itemLimits.keyBytes;
}

function withinBounds(query: ItemQuery, sortKey: string): boolean {
  if (query.from !== undefined && compareOctets(sortKey, query.from) < 0) return false;
  return query.to === undefined || compareOctets(sortKey, query.to) <= 0;
}

/**
 * Where `query.cursor` says to resume; undefined without a cursor.
 * @throws AppError cursor_invalid for garbage, for another query's cursor, and for a position this query
 * could never have reached.
 */
export function decodeCursor(query: ItemQuery): CursorPosition | undefined {
  if (query.cursor === undefined) return undefined;
  if (query.cursor.length > cursorCharacters) throw invalid();
  const parts = parse(query.cursor);
  if (!Array.isArray(parts) || parts.length !== 4 || parts[0] !== fingerprint(query)) throw invalid();
  const [sortKey, pk, sk]: unknown[] = parts.slice(1);
  if (!isKey(sortKey) || !isKey(pk) || !isKey(sk) || !withinBounds(query, sortKey)) throw invalid();
  // Over the items' own keys the position is an item of this very partition.
  if (query.index === undefined && (pk !== query.pk || sk !== sortKey)) throw invalid();
  return { sortKey, item: { pk, sk } };
}
