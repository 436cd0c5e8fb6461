/**
 * Room: core/records. A claim, the counters of its quota, and the mark that a device was enrolled by one. The quota
 * is split over up to sixteen counters, each an item with a version, so that a factory's lines do not wait for one
 * another. Claim and counters share a partition: one query reads them all.
 */
import { hash } from "node:crypto";
import { canonicalText } from "../formats/name.ts";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { number, text, word } from "./attributes.ts";
import { devicePartition } from "./device-record.ts";
import { shards } from "./shard.ts";

export interface ClaimRecord {
  /** As it was first written. */
  readonly claimId: string;
  /** How many devices it may enrol. */
  readonly quota: number;
  /** Of the devices' certificates. */
  readonly profile: ProfileId;
  /** Of the claim's own certificate. */
  readonly serialNumber: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly createdBy: string;
}

/** One share of a claim's quota. */
export interface ClaimShare {
  /** One of `shards`. */
  readonly shard: string;
  readonly limit: number;
  readonly used: number;
  /** 0 when nothing was ever taken from it. */
  readonly version: number;
}

/** @throws AppError name_not_permitted, see `canonicalText`. */
export const claimPartition = (fleet: string, claimId: string): string =>
  `CLAIM#${fleet}#${canonicalText(claimId)}`;

const claimSortKey = "CLAIM";
const sharePrefix = "SHARE#";

export function claimKey(fleet: string, claimId: string): ItemKey {
  return { pk: claimPartition(fleet, claimId), sk: claimSortKey };
}

export function claimItem(fleet: string, record: ClaimRecord): NewItem {
  return { ...claimKey(fleet, record.claimId), attributes: { ...record } };
}

/** Of the items in a claim's partition: true for the claim's own. */
export const isClaimItem = (item: Item): boolean => item.sk === claimSortKey;

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function claimRecord(item: Item): ClaimRecord {
  return {
    claimId: text(item, "claimId"),
    quota: number(item, "quota"),
    profile: word(item, "profile", Object.keys(profiles) as ProfileId[]),
    serialNumber: text(item, "serialNumber"),
    createdAt: number(item, "createdAt"),
    createdBy: text(item, "createdBy"),
  };
}

/** All shares of `quota`, those that nothing was taken from included; their limits add up to the quota. */
export function claimShares(quota: number, items: readonly Item[]): readonly ClaimShare[] {
  const count = Math.min(shards.length, quota);
  return shards.slice(0, count).map((shard, index) => {
    const item = items.find(({ sk }) => sk === `${sharePrefix}${shard}`);
    const limit = Math.floor(quota / count) + (index < quota % count ? 1 : 0);
    return {
      shard,
      limit,
      used: item === undefined ? 0 : number(item, "used"),
      version: item?.version ?? 0,
    };
  });
}

/** The share after one more device. */
export function claimShareItem(fleet: string, claimId: string, share: ClaimShare): NewItem {
  return {
    pk: claimPartition(fleet, claimId),
    sk: `${sharePrefix}${share.shard}`,
    attributes: { used: share.used + 1 },
  };
}

/** The share that a device tries first: uniform over devices, and the same each time. */
export function firstShare(deviceId: string, count: number): number {
  return hash("sha256", canonicalText(deviceId), "buffer").readUInt32BE() % count;
}

const claimedSortKey = "CLAIMED";

/** Beside the device, and not beside the claim: whichever claim it was, a device is enrolled by one once. */
export function claimedItem(fleet: string, deviceId: string, claimId: string, createdAt: number): NewItem {
  return { pk: devicePartition(fleet, deviceId), sk: claimedSortKey, attributes: { claimId, createdAt } };
}

/** Of the items in a device's partition: true for the mark that a claim enrolled it. */
export const isClaimedItem = (item: Item): boolean => item.sk === claimedSortKey;
