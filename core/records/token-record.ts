/** Room: core/records. A one-time enrolment token, known by the SHA-256 of its text only. */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { number, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface TokenRecord {
  readonly fleet: string;
  /** SHA-256 of the token, hexadecimal. */
  readonly digest: string;
  readonly deviceId: string;
  readonly profile: ProfileId;
  readonly state: "fresh" | "spent";
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly createdBy: string;
}

/** A spent token is kept this long after its expiry, so that late retries still find their certificate. */
const retentionMilliseconds = 30 * 86_400_000;

/** `digest`: SHA-256 of the token, hexadecimal. */
export function tokenKey(fleet: string, digest: string): ItemKey {
  return { pk: `TOKEN#${fleet}#${digest}`, sk: "TOKEN" };
}

/** The record as its whole item. A store may drop it 30 days after the token's expiry. */
export function tokenItem(record: TokenRecord): NewItem {
  return {
    ...tokenKey(record.fleet, record.digest),
    attributes: { ...record },
    expiresAt: Math.ceil((record.expiresAt + retentionMilliseconds) / 1000),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function tokenRecord(item: Item): Stored<TokenRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      digest: text(item, "digest"),
      deviceId: text(item, "deviceId"),
      profile: word(item, "profile", Object.keys(profiles) as ProfileId[]),
      state: word(item, "state", ["fresh", "spent"]),
      createdAt: number(item, "createdAt"),
      expiresAt: number(item, "expiresAt"),
      createdBy: text(item, "createdBy"),
    },
  };
}
