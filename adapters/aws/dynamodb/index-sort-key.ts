/**
 * Room: adapters/aws. The sort key under which an item stands in an index: the caller's sort key, then the item's
 * own key. DynamoDB leaves items of one index key in no order; the port orders them by their own keys.
 *
 * The first two parts are escaped and each is ended by U+0001, which no escaped part holds. Escapes keep the order
 * of octets, and what ends a part sorts before all that could go on with it; so the whole sorts as the three parts
 * do, one after the other. `core/item-limits.ts` sees to it that the whole has at most 1,024 octets.
 */
import type { CursorPosition } from "../../../core/item-cursor.ts";
import type { ItemKey } from "../../../core/ports.ts";

const end = "\u0001";
const escapeMark = "\u0002";
/** U+0000, U+0001 and U+0002 become the mark and the character this far above them. */
const shift = 2;

/** DynamoDB's limit for a sort key, in octets. */
export const sortKeyBytes = 1_024;

function escapePart(text: string): string {
  let escaped = "";
  for (const character of text) {
    escaped +=
      character <= escapeMark ? escapeMark + String.fromCharCode(character.charCodeAt(0) + shift) : character;
  }
  return escaped;
}

function readPart(escaped: string): string {
  let text = "";
  for (let at = 0; at < escaped.length; at += 1) {
    if (escaped[at] === escapeMark) {
      at += 1;
      text += String.fromCharCode(escaped.charCodeAt(at) - shift);
    } else {
      text += escaped[at];
    }
  }
  return text;
}

/** What is stored as the index's sort key. */
export function indexSortKey(sortKey: string, item: ItemKey): string {
  return `${escapePart(sortKey)}${end}${escapePart(item.pk)}${end}${item.sk}`;
}

/** The caller's sort key in `stored`; undefined for what `indexSortKey` never makes. */
export function callersSortKey(stored: string): string | undefined {
  const length = stored.indexOf(end);
  return length === -1 ? undefined : readPart(stored.slice(0, length));
}

/** At or below every stored key whose sort key is `from` or above, and above every other. */
export function lowerBound(from: string): string {
  return escapePart(from);
}

/** At or above every stored key whose sort key is `to` or below, and below every other. */
export function upperBound(to: string): string {
  return escapePart(to) + escapeMark;
}

/** False for a position that no stored key can have: only a forged cursor holds one. */
export function canBeStored(position: CursorPosition): boolean {
  return Buffer.byteLength(indexSortKey(position.sortKey, position.item), "utf8") <= sortKeyBytes;
}
