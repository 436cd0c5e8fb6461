/**
 * Room: core/records. A device known to its fleet. The key is the canonical form of its id and the record its
 * one spelling, so that `Pump-1` and `pump-1` never become two identities.
 */
import { canonicalText } from "../formats/name.ts";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { number, optionalText, present, text, word } from "./attributes.ts";

export interface DeviceRecord {
  /** As it was first written. */
  readonly deviceId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Of its certificates, where its registration said so. */
  readonly profile?: ProfileId;
}

/** Partition of all that is known of one device, whatever the spelling. @throws AppError name_not_permitted. */
export function devicePartition(fleet: string, deviceId: string): string {
  return `DEVICE#${fleet}#${canonicalText(deviceId)}`;
}

const sortKey = "DEVICE";

/** One key for all spellings of an id. @throws AppError name_not_permitted, see `canonicalText`. */
export function deviceKey(fleet: string, deviceId: string): ItemKey {
  return { pk: devicePartition(fleet, deviceId), sk: sortKey };
}

/** Of the items in a device's partition: true for the device's own. */
export const isDeviceItem = (item: Item): boolean => item.sk === sortKey;

export function deviceItem(fleet: string, record: DeviceRecord): NewItem {
  return { ...deviceKey(fleet, record.deviceId), attributes: present({ ...record }) };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function deviceRecord(item: Item): DeviceRecord {
  const profile = optionalText(item, "profile");
  return {
    deviceId: text(item, "deviceId"),
    createdAt: number(item, "createdAt"),
    ...(profile === undefined
      ? {}
      : { profile: word(item, "profile", Object.keys(profiles) as ProfileId[]) }),
  };
}
