/** Room: core/records. One shard of an authority's CRL: which number it has reached, and when it is due again. */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, present, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";
import { dueKey } from "./due.ts";

export interface CrlRecord {
  readonly fleet: string;
  readonly authorityId: string;
  readonly crlShard: string;
  /** The highest CRLNumber that was ever taken for this shard; the list published may have a lower one. */
  readonly number: number;
  /** CRLNumber of the published list; 0 before the first, as for all that is said of it here. */
  readonly publishedNumber: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Revoked certificates in it, and its octets. */
  readonly entries: number;
  readonly octets: number;
  /** Digest of the addresses that it names itself by; empty where it names none. */
  readonly places: string;
  /**
   * When a publisher is to sign it again, or to withdraw it. Absent once it is withdrawn, and for lists that
   * publishers do not sign.
   */
  readonly dueAt?: number;
}

/** All shards of a fleet: one query lists them. */
export const crlPartition = (fleet: string): string => `CRL#${fleet}`;

/** More than a fleet's authorities have at once, with windows of a day. */
export const maximumLists = 100_000;

export function crlKey({
  fleet,
  authorityId,
  crlShard,
}: Pick<CrlRecord, "fleet" | "authorityId" | "crlShard">): ItemKey {
  return { pk: crlPartition(fleet), sk: `${authorityId}#${crlShard}` };
}

export function crlItem(record: CrlRecord): NewItem {
  const key = crlKey(record);
  const item = { ...key, attributes: present({ ...record }) };
  return record.dueAt === undefined ? item : { ...item, indexes: { open: dueKey(record.dueAt, key) } };
}

/** Of items that are due: true for a CRL shard's. */
export const isCrlItem = (item: Item): boolean => item.pk.startsWith("CRL#");

/** @throws AppError internal when an attribute is missing or mistyped. */
export function crlRecord(item: Item): Stored<CrlRecord> {
  const dueAt = optionalNumber(item, "dueAt");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      authorityId: text(item, "authorityId"),
      crlShard: text(item, "crlShard"),
      number: number(item, "number"),
      publishedNumber: number(item, "publishedNumber"),
      thisUpdate: number(item, "thisUpdate"),
      nextUpdate: number(item, "nextUpdate"),
      entries: number(item, "entries"),
      octets: number(item, "octets"),
      places: text(item, "places"),
      ...(dueAt === undefined ? {} : { dueAt }),
    },
  };
}
