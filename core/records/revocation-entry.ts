/**
 * Room: core/records. That a certificate was revoked, in the partition of the CRL shard that must list it: building the
 * list is reading its sixteen partitions. Until a published list agrees, the entry stands in the index `open` too.
 */
import { type CrlReason, crlReasons } from "../formats/crl/reason.ts";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, present, text, word } from "./attributes.ts";
import { type Stored, timeKey } from "./certificate-record.ts";
import { shardOf } from "./shard.ts";

export interface RevocationEntry {
  readonly fleet: string;
  readonly authorityId: string;
  /** Shard of the CRL: see `core/revocation/shard.ts`. */
  readonly crlShard: string;
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  /** released: it was on hold and is no more, so lists leave it out. */
  readonly state: "revoked" | "released";
  readonly reason: CrlReason;
  /** Milliseconds since the epoch, as all times here. */
  readonly revokedAt: number;
  readonly changedAt: number;
  /** CRLNumber of the first list that agrees with this entry; absent while none does. */
  readonly publishedIn?: number;
}

/** `shard`: one of sixteen, by serial number. */
export const revokedPartition = (
  { fleet, authorityId, crlShard }: Pick<RevocationEntry, "fleet" | "authorityId" | "crlShard">,
  shard: string,
): string => `REVOKED#${fleet}#${authorityId}#${crlShard}#${shard}`;

/** One sixteenth of the entries of all fleets with which no published list agrees yet. */
export const unpublishedPartition = (shard: string): string => `UNPUBLISHED#${shard}`;

export function revocationEntryKey(
  entry: Pick<RevocationEntry, "fleet" | "authorityId" | "crlShard" | "serialNumber">,
): ItemKey {
  return { pk: revokedPartition(entry, shardOf(entry.serialNumber)), sk: entry.serialNumber };
}

/** @param expiresAt Seconds since the epoch after which no list needs it; absent: never. */
export function revocationEntryItem(entry: RevocationEntry, expiresAt?: number): NewItem {
  const { fleet, authorityId, crlShard, serialNumber, changedAt, publishedIn } = entry;
  const shard = shardOf(serialNumber);
  const sk = `${timeKey(changedAt)}#${fleet}#${authorityId}#${crlShard}#${serialNumber}`;
  return {
    ...revocationEntryKey(entry),
    attributes: present({ ...entry }),
    ...(publishedIn === undefined ? { indexes: { open: { pk: unpublishedPartition(shard), sk } } } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function revocationEntry(item: Item): Stored<RevocationEntry> {
  const publishedIn = optionalNumber(item, "publishedIn");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      authorityId: text(item, "authorityId"),
      crlShard: text(item, "crlShard"),
      serialNumber: text(item, "serialNumber"),
      state: word(item, "state", ["revoked", "released"]),
      reason: word(item, "reason", Object.keys(crlReasons) as CrlReason[]),
      revokedAt: number(item, "revokedAt"),
      changedAt: number(item, "changedAt"),
      ...(publishedIn === undefined ? {} : { publishedIn }),
    },
  };
}
