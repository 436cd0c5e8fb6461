/** Room: core/records. How often one identity failed to prove itself lately. The key holds a hash of what it is. */
import { hash } from "node:crypto";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface AttemptRecord {
  readonly failures: number;
  /** End of the window that began with the first failure; milliseconds since the epoch. */
  readonly until: number;
}

/** `identity`: a text of whatever form, such as `operator:{id}`; two identities never share a key, and none can be read from it. */
export function attemptKey(fleet: string, identity: string): ItemKey {
  return { pk: `ATTEMPTS#${fleet}#${hash("sha256", identity)}`, sk: "ATTEMPTS" };
}

export function attemptItem(fleet: string, identity: string, record: AttemptRecord): NewItem {
  return {
    ...attemptKey(fleet, identity),
    attributes: { ...record },
    expiresAt: Math.ceil(record.until / 1000),
  };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function attemptRecord(item: Item): Stored<AttemptRecord> {
  return {
    version: item.version,
    value: { failures: number(item, "failures"), until: number(item, "until") },
  };
}
