/** Room: core/records. An invitation to register one passkey, known by its hash only. */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface InvitationRecord {
  readonly fleet: string;
  /** SHA-256 of the invitation's text, hexadecimal. */
  readonly digest: string;
  readonly operatorId: string;
  /** first: the bootstrap's operator asked for it alone, so it is good for the first passkey only. */
  readonly kind: "approved" | "first";
  readonly state: "fresh" | "spent";
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly createdBy: string;
}

/** Long enough that a late second use is told apart from an unknown invitation. */
const retentionMilliseconds = 7 * 86_400_000;

export function invitationKey(fleet: string, digest: string): ItemKey {
  return { pk: `INVITATION#${fleet}#${digest}`, sk: "INVITATION" };
}

export function invitationItem(record: InvitationRecord): NewItem {
  return {
    ...invitationKey(record.fleet, record.digest),
    attributes: { ...record },
    expiresAt: Math.ceil((record.expiresAt + retentionMilliseconds) / 1000),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function invitationRecord(item: Item): Stored<InvitationRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      digest: text(item, "digest"),
      operatorId: text(item, "operatorId"),
      kind: word(item, "kind", ["approved", "first"]),
      state: word(item, "state", ["fresh", "spent"]),
      createdAt: number(item, "createdAt"),
      expiresAt: number(item, "expiresAt"),
      createdBy: text(item, "createdBy"),
    },
  };
}
