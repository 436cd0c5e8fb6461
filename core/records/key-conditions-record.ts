/**
 * Room: core/records. How the key services had the keys of a fleet when the task last looked, one item a fleet: who
 * answers people has no key service.
 */
import type { DataKeyState, Item, ItemKey, KeyState, NewItem } from "../ports.ts";
import { number, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface SigningKeyCondition extends Omit<KeyState, "condition" | "createdAt"> {
  /** destroyed: its service does not know it any more. */
  readonly condition: KeyState["condition"] | "destroyed";
}

export interface KeyConditionsRecord {
  readonly fleet: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly asOf: number;
  readonly keys: readonly SigningKeyCondition[];
  /** Wrapping keys of the fleet, and those of the whole deployment. */
  readonly dataKeys: readonly DataKeyState[];
}

export const keyConditionsKey = (fleet: string): ItemKey => ({
  pk: `KEYCONDITIONS#${fleet}`,
  sk: "CONDITIONS",
});

/** A hundred octets and some a key: a few hundred keys fit. */
export function keyConditionsItem({ fleet, asOf, keys, dataKeys }: KeyConditionsRecord): NewItem {
  const attributes = { fleet, asOf, keys: JSON.stringify(keys), dataKeys: JSON.stringify(dataKeys) };
  return { ...keyConditionsKey(fleet), attributes };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function keyConditionsRecord(item: Item): Stored<KeyConditionsRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      asOf: number(item, "asOf"),
      keys: JSON.parse(text(item, "keys")) as readonly SigningKeyCondition[],
      dataKeys: JSON.parse(text(item, "dataKeys")) as readonly DataKeyState[],
    },
  };
}
