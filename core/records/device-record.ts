/**
 * Room: core/records. A device known to its fleet. The key is the canonical form of its id and the record its
 * one spelling, so that `Pump-1` and `pump-1` never become two identities.
 */
import { canonicalText } from "../formats/name.ts";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { text } from "./attributes.ts";

/** One key for all spellings of an id. @throws AppError name_not_permitted, see `canonicalText`. */
export function deviceKey(fleet: string, deviceId: string): ItemKey {
  return { pk: `DEVICE#${fleet}#${canonicalText(deviceId)}`, sk: "DEVICE" };
}

/** `createdAt` in milliseconds since the epoch. */
export function deviceItem(fleet: string, deviceId: string, createdAt: number): NewItem {
  return { ...deviceKey(fleet, deviceId), attributes: { deviceId, createdAt } };
}

/** The device id as it was first written. @throws AppError internal when the item has none. */
export function spelling(item: Item): string {
  return text(item, "deviceId");
}
