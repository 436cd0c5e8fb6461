/**
 * Room: core/records. What keeps a device from certificates. A device in good standing has no such item, so that an
 * issuance asks for its absence in the very transaction that records the intent: no read, and no race.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";
import { devicePartition } from "./device-record.ts";

/** quarantined: came back after its certificate's expiry; retired is for good. */
export type HoldState = "quarantined" | "suspended" | "retired";

export interface HoldRecord {
  readonly deviceId: string;
  readonly state: HoldState;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Who set it: `operator:…` or the credential. */
  readonly actor: string;
}

const sortKey = "HOLD";

/** @throws AppError name_not_permitted, see `canonicalText`. */
export function holdKey(fleet: string, deviceId: string): ItemKey {
  return { pk: devicePartition(fleet, deviceId), sk: sortKey };
}

/** Of the items in a device's partition: true for its hold. */
export const isHoldItem = (item: Item): boolean => item.sk === sortKey;

export function holdItem(fleet: string, record: HoldRecord): NewItem {
  return { ...holdKey(fleet, record.deviceId), attributes: { ...record } };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function holdRecord(item: Item): Stored<HoldRecord> {
  return {
    version: item.version,
    value: {
      deviceId: text(item, "deviceId"),
      state: word(item, "state", ["quarantined", "suspended", "retired"]),
      since: number(item, "since"),
      actor: text(item, "actor"),
    },
  };
}
