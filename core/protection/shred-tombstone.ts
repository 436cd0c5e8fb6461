/**
 * Room: core/protection. What stands where keys were: it is put before they are deleted, so that none is made
 * meanwhile, and it takes the note of each deletion in the deletion's own transaction. So what was destroyed is counted
 * exactly, whoever dies over it.
 */
import { isAppError } from "../errors.ts";
import type { Item, ItemKey, ItemStore, NewItem } from "../ports.ts";
import { number, optionalNumber, optionalText, optionalTexts, present } from "../records/attributes.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { ShredRecord } from "../records/shred-record.ts";
import {
  fleetTombstoneKey,
  type SubjectKeyRecord,
  subjectTombstoneKey,
  tombstoneItem,
} from "../records/subject-key-record.ts";

/** The app's part that reaches subject keys. */
export interface SubjectKeyStore {
  readonly subjectKeys: ItemStore;
}

export interface Tombstone {
  readonly shreddedAt: number;
  /** Keys deleted so far, and when the last of them was; absent before the first. */
  readonly destroyed: number;
  readonly destroyedAt?: number;
  /** Of a subject: each key, as `{version} {id of its wrapping key}`. */
  readonly keys: readonly string[];
  /** Of a fleet: the part of its keys at work. */
  readonly part?: string;
}

export const tombstoneKeyOf = ({ fleet, subject }: Pick<ShredRecord, "fleet" | "subject">): ItemKey =>
  subject === undefined ? fleetTombstoneKey(fleet) : subjectTombstoneKey(fleet, subject);

function tombstone(item: Item): Stored<Tombstone> {
  const optional = present({
    destroyedAt: optionalNumber(item, "destroyedAt"),
    part: optionalText(item, "part"),
  }) as Partial<Tombstone>;
  const value = {
    shreddedAt: number(item, "shreddedAt"),
    destroyed: optionalNumber(item, "destroyed") ?? 0,
    keys: optionalTexts(item, "keys") ?? [],
    ...optional,
  };
  return { version: item.version, value };
}

/** True when no key of it is made any more. */
export async function isMarked(app: SubjectKeyStore, shred: Pick<ShredRecord, "fleet" | "subject">) {
  return (await app.subjectKeys.get(tombstoneKeyOf(shred))) !== undefined;
}

/** Puts the tombstone where there is none: from now on no key is made or opened there. */
export async function mark(app: SubjectKeyStore, shred: ShredRecord, now: number): Promise<void> {
  const put = tombstoneItem(tombstoneKeyOf(shred), shred.shredId, now);
  try {
    await app.subjectKeys.transact([{ put, when: "absent" }]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}

/** The tombstone as it stands; put where there is none. */
export async function marked(
  app: SubjectKeyStore,
  shred: ShredRecord,
  now: number,
): Promise<Stored<Tombstone> & { readonly item: Item }> {
  const key = tombstoneKeyOf(shred);
  for (;;) {
    const item = await app.subjectKeys.get(key);
    if (item !== undefined) return { ...tombstone(item), item };
    await mark(app, shred, now);
  }
}

const noteOf = ({ version, keyId }: SubjectKeyRecord): string => `${version} ${keyId}`;

/** The tombstone after `deleted` went: of a subject with a note of each, of a fleet with their number. */
export function noted(
  { item, value }: { readonly item: Item; readonly value: Tombstone },
  deleted: readonly SubjectKeyRecord[],
  now: number,
  place: { readonly subject: boolean; readonly part?: string },
): NewItem {
  const keys = place.subject ? { keys: [...value.keys, ...deleted.map(noteOf)] } : {};
  const attributes = {
    ...item.attributes,
    ...keys,
    ...(place.part === undefined ? {} : { part: place.part }),
    destroyed: value.destroyed + deleted.length,
    destroyedAt: now,
  };
  return { pk: item.pk, sk: item.sk, attributes };
}
