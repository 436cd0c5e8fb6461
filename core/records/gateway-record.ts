/**
 * Room: core/records. Which authorities the gateway in front of the API lets clients come from, in the fleet's own
 * partition. Absent where no gateway checks clients before we do.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalTexts, text } from "./attributes.ts";

export interface GatewayRecord {
  readonly fleet: string;
  /** Of the fleet, by `authorityId`. */
  readonly authorityIds: readonly string[];
  /** Of the trust store that it reads. */
  readonly versionId: string;
  /** Milliseconds since the epoch. */
  readonly confirmedAt: number;
}

const sortKey = "GATEWAY";

export const gatewayKey = (fleet: string): ItemKey => ({ pk: `FLEET#${fleet}`, sk: sortKey });
export const isGatewayItem = (item: Item): boolean => item.sk === sortKey;

export function gatewayItem(record: GatewayRecord): NewItem {
  return { ...gatewayKey(record.fleet), attributes: { ...record } };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function gatewayRecord(item: Item): GatewayRecord {
  return {
    fleet: text(item, "fleet"),
    authorityIds: optionalTexts(item, "authorityIds") ?? [],
    versionId: text(item, "versionId"),
    confirmedAt: number(item, "confirmedAt"),
  };
}
