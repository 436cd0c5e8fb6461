/** Room: core/records. A session of an operator, known by its token's hash only, and bound to one key. */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface SessionRecord {
  readonly fleet: string;
  /** SHA-256 of the token, hexadecimal: it names the session and opens nothing. */
  readonly sessionId: string;
  readonly operatorId: string;
  /** RFC 7638 SHA-256 thumbprint, base64url. */
  readonly keyThumbprint: string;
  readonly state: "active" | "ended";
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** How many certificates were issued in it; absent for none. */
  readonly certificates?: number;
}

export function sessionKey(fleet: string, sessionId: string): ItemKey {
  return { pk: `SESSION#${fleet}#${sessionId}`, sk: "SESSION" };
}

export function sessionItem(record: SessionRecord): NewItem {
  return {
    ...sessionKey(record.fleet, record.sessionId),
    attributes: { ...record },
    expiresAt: Math.ceil(record.expiresAt / 1000),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function sessionRecord(item: Item): Stored<SessionRecord> {
  const certificates = optionalNumber(item, "certificates");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      sessionId: text(item, "sessionId"),
      operatorId: text(item, "operatorId"),
      keyThumbprint: text(item, "keyThumbprint"),
      state: word(item, "state", ["active", "ended"]),
      createdAt: number(item, "createdAt"),
      expiresAt: number(item, "expiresAt"),
      ...(certificates === undefined ? {} : { certificates }),
    },
  };
}
