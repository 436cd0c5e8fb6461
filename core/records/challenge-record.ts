/** Room: core/records. A challenge that the service drew for a passkey or an ID token, known by its hash only. */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface ChallengeRecord {
  readonly fleet: string;
  /** SHA-256 of the challenge's text, hexadecimal. */
  readonly digest: string;
  readonly state: "fresh" | "spent";
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export function challengeKey(fleet: string, digest: string): ItemKey {
  return { pk: `CHALLENGE#${fleet}#${digest}`, sk: "CHALLENGE" };
}

export function challengeItem(record: ChallengeRecord): NewItem {
  return {
    ...challengeKey(record.fleet, record.digest),
    attributes: { ...record },
    expiresAt: Math.ceil(record.expiresAt / 1000),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function challengeRecord(item: Item): Stored<ChallengeRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      digest: text(item, "digest"),
      state: word(item, "state", ["fresh", "spent"]),
      expiresAt: number(item, "expiresAt"),
    },
  };
}
