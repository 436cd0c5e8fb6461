/**
 * Room: core. What every ItemStore refuses before it touches its database, so that what works on one store
 * works on all. The figures are DynamoDB's, counted as DynamoDB counts.
 */
import { AppError } from "./errors.ts";
import type { AttributeValue, IndexName, ItemKey, ItemQuery, NewItem, WriteOperation } from "./ports.ts";

/** The indexes that every store keeps. */
export const indexNames = ["byDevice", "byIssue", "byExpiry", "open"] as const satisfies readonly IndexName[];

/** Octets of an item and of a key, operations of a transaction: DynamoDB's own limits, kept by every store. */
export const itemLimits = { itemBytes: 400_000, operations: 100, keyBytes: 1_024 } as const;

/** Octets of all items that one transaction puts; DynamoDB takes 4 MB. */
export const transactionBytes = 4_000_000;

/** Octets after which a page ends early, whatever its limit; DynamoDB reads 1 MB at a time. */
export const pageBytes = 1_000_000;

/**
 * Octets of an index's sort key and the item's own two keys together; U+0000 to U+0002 count twice. DynamoDB does
 * not order items of one index key, so there the three are one sort key, of 1,024 octets at most, in which two
 * separate them and those characters are escaped.
 */
export const indexedKeyBytes = 1_022;

const pageItems = 1_000;
const attributeNameBytes = 255;
// DynamoDB keeps 38 digits with exponents from -130 to 125: every double between these round-trips.
const largestNumber = 1e125;
const smallestNumber = 1e-130;

function refuse(message: string): never {
  throw new AppError("store_limit_exceeded", message);
}

function octets(text: string, what: string): number {
  // A lone surrogate has no UTF-8 form: stores would write U+FFFD and let two keys collide.
  if (!text.isWellFormed()) refuse(`${what} holds a lone surrogate; give well-formed Unicode`);
  return Buffer.byteLength(text, "utf8");
}

function keyOctets(text: string, what: string): number {
  const length = octets(text, what);
  if (length < 1 || length > itemLimits.keyBytes) {
    refuse(`${what} has ${length} octets, limit 1 to ${itemLimits.keyBytes}; use a shorter or hashed key`);
  }
  return length;
}

function keyPairOctets(key: ItemKey, what: string): number {
  return keyOctets(key.pk, `${what} partition key`) + keyOctets(key.sk, `${what} sort key`);
}

function indexedOctets(text: string): number {
  let escapes = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) <= 2) escapes += 1;
  }
  return Buffer.byteLength(text, "utf8") + escapes;
}

function checkIndexedKey(sortKey: string, item: ItemKey, what: string): void {
  const length = indexedOctets(sortKey) + indexedOctets(item.pk) + indexedOctets(item.sk);
  if (length <= indexedKeyBytes) return;
  refuse(
    `${what} sort key and the item's own keys have ${length} octets, limit ${indexedKeyBytes}; ` +
      "use shorter or hashed keys",
  );
}

function checkBound(bound: string, query: ItemQuery, what: string): void {
  keyOctets(bound, what);
  const length = query.index === undefined ? 0 : indexedOctets(bound);
  if (length <= indexedKeyBytes) return;
  refuse(`${what} has ${length} octets in an index, limit ${indexedKeyBytes}; use a shorter bound`);
}

function numberOctets(value: number, what: string): number {
  const magnitude = Math.abs(value);
  if (value !== 0 && !(magnitude >= smallestNumber && magnitude <= largestNumber)) {
    refuse(`${what} is ${value}, limit 0 or ±1e-130 to ±1e125; store it as a string`);
  }
  return 21;
}

function valueOctets(value: AttributeValue, what: string): number {
  if (typeof value === "string") return octets(value, what);
  if (typeof value === "number") return numberOctets(value, what);
  if (typeof value === "boolean") return 1;
  if (value instanceof Uint8Array) return value.byteLength;
  // The type says a list is all that is left; data that was never typed may say otherwise.
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string")) {
    refuse(`${what} is not a string, number, boolean, octet string or list of strings; encode it as one`);
  }
  return value.reduce((sum: number, entry: string) => sum + 1 + octets(entry, what), 3);
}

/**
 * Octets of `item` with its names, keys and index keys, as DynamoDB counts them (a number as its 21 at most).
 * @throws AppError store_limit_exceeded when a key, a name or a value cannot be stored everywhere.
 */
export function itemOctets(item: NewItem, what = "item"): number {
  let total = keyPairOctets(item, what);
  for (const [index, key] of Object.entries(item.indexes ?? {})) {
    total += keyPairOctets(key, `${what} index ${index}`);
    checkIndexedKey(key.sk, item, `${what} index ${index}`);
  }
  for (const [name, value] of Object.entries(item.attributes)) {
    const nameLength = octets(name, `${what} attribute name`);
    if (nameLength < 1 || nameLength > attributeNameBytes) {
      refuse(`${what} attribute name has ${nameLength} octets, limit 1 to ${attributeNameBytes}; shorten it`);
    }
    total += nameLength + valueOctets(value, `${what} attribute "${name}"`);
  }
  return total;
}

function putOctets(item: NewItem, what: string): number {
  const size = itemOctets(item, what);
  if (size > itemLimits.itemBytes) {
    refuse(
      `${what} has ${size} octets, limit ${itemLimits.itemBytes}; split it or store the bulk as an object`,
    );
  }
  if (item.expiresAt !== undefined && !(Number.isSafeInteger(item.expiresAt) && item.expiresAt > 0)) {
    refuse(`${what} expiresAt is ${item.expiresAt}; give whole seconds since the epoch`);
  }
  return size;
}

function checkVersion(when: string | number, what: string): void {
  if (typeof when === "number" && !(Number.isSafeInteger(when) && when >= 1)) {
    refuse(`${what} is conditioned on version ${when}; versions are whole numbers from 1`);
  }
}

/**
 * What `ItemStore.transact` refuses before it looks at any condition.
 * @throws AppError store_limit_exceeded: no or too many operations, a key twice, a key, item or sum of items
 * too large, a value no store can keep. The message names the operation by its index, never by its key.
 */
export function checkOperations(operations: readonly WriteOperation[]): void {
  if (operations.length < 1 || operations.length > itemLimits.operations) {
    refuse(`transaction has ${operations.length} operations, limit 1 to ${itemLimits.operations}; split it`);
  }
  const seen = new Set<string>();
  let total = 0;
  for (const [position, operation] of operations.entries()) {
    const what = `operation ${position}`;
    const key = operationKey(operation);
    if ("put" in operation) total += putOctets(operation.put, what);
    else keyPairOctets(key, what);
    checkVersion(operation.when, what);
    seen.add(`${key.pk.length}:${key.pk}${key.sk}`);
    if (seen.size <= position) refuse(`${what} names a key a second time, limit 1; make it one operation`);
  }
  if (total > transactionBytes) {
    refuse(
      `transaction puts ${total} octets, limit ${transactionBytes}; split it or store the bulk as objects`,
    );
  }
}

/** The key of the one item that `operation` is about. */
export function operationKey(operation: WriteOperation): ItemKey {
  if ("put" in operation) return operation.put;
  return "delete" in operation ? operation.delete : operation.check;
}

/**
 * What `ItemStore.get` refuses.
 * @throws AppError store_limit_exceeded.
 */
export function checkKey(key: ItemKey): void {
  keyPairOctets(key, "item");
}

/**
 * What `ItemStore.query` refuses, the cursor apart.
 * @throws AppError store_limit_exceeded: limit outside 1 to 1,000, a key or bound too long or empty.
 */
export function checkQuery(query: ItemQuery): void {
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > pageItems) {
    refuse(`query limit is ${query.limit}, limit 1 to ${pageItems}; read page by page`);
  }
  keyOctets(query.pk, "query partition key");
  if (query.from !== undefined) checkBound(query.from, query, "query lower bound");
  if (query.to !== undefined) checkBound(query.to, query, "query upper bound");
}

/** Order of two keys by their UTF-8 octets. JavaScript's own `<` goes by UTF-16 units, which differs. */
export function compareOctets(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left, "utf8"), Buffer.from(right, "utf8"));
}
