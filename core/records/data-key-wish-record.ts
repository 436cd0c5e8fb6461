/** Room: core/records. Wrapping keys that people have asked to rotate, and whether the task has: one item a key, of all fleets. */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { number, optionalNumber, present, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface DataKeyWish {
  /** As `DataKeyState`. */
  readonly name: string;
  /** Whose operators asked, `operator:…`, and when. */
  readonly fleet: string;
  readonly askedBy: string;
  readonly askedAt: number;
  /** How often it had been asked for before the task began: one more, and it is done. */
  readonly rotationsBefore?: number;
  /** When the task was done with it, well or not; absent while it waits. */
  readonly endedAt?: number;
}

export const dataKeyWishPartition = "DATAKEYWISHES";
export const dataKeyWishKey = (name: string): ItemKey => ({ pk: dataKeyWishPartition, sk: name });

export function dataKeyWishItem(wish: DataKeyWish): NewItem {
  return { ...dataKeyWishKey(wish.name), attributes: present({ ...wish }) };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function dataKeyWish(item: Item): Stored<DataKeyWish> {
  const rotationsBefore = optionalNumber(item, "rotationsBefore");
  const endedAt = optionalNumber(item, "endedAt");
  return {
    version: item.version,
    value: {
      name: text(item, "name"),
      fleet: text(item, "fleet"),
      askedBy: text(item, "askedBy"),
      askedAt: number(item, "askedAt"),
      ...(rotationsBefore === undefined ? {} : { rotationsBefore }),
      ...(endedAt === undefined ? {} : { endedAt }),
    },
  };
}
