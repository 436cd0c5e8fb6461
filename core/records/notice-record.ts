/** Room: core/records. How far people have been told of certificates that end, for each number of days before: one item a fleet. */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface ExpiryMark {
  /** Days before the end. */
  readonly days: number;
  /** Place in index byExpiry up to which all is told: a time, or a time and a serial number. */
  readonly place: string;
  /** Devices' certificates of the day in which `place` lies that are to be told of, so far. */
  readonly certificates: number;
}

export interface ExpiryNotices {
  readonly fleet: string;
  readonly marks: readonly ExpiryMark[];
}

export function expiryNoticesKey(fleet: string): ItemKey {
  return { pk: `EXPIRYNOTICES#${fleet}`, sk: "MARKS" };
}

export function expiryNoticesItem({ fleet, marks }: ExpiryNotices): NewItem {
  return { ...expiryNoticesKey(fleet), attributes: { fleet, marks: JSON.stringify(marks) } };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function expiryNotices(item: Item): Stored<ExpiryNotices> {
  const marks = JSON.parse(text(item, "marks")) as readonly ExpiryMark[];
  return { version: item.version, value: { fleet: text(item, "fleet"), marks } };
}
