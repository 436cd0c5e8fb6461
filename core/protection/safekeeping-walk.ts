/** Room: core/protection. All subject keys of a fleet, part by part: the one way to find them without their subjects. */
import type { Item, ItemQuery, SafekeepingApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import {
  isSubjectKeyItem,
  type SubjectKeyRecord,
  subjectKeyPartition,
  subjectKeyParts,
  subjectKeyRecord,
} from "../records/subject-key-record.ts";

/** Where a walk goes on: in that part, after that sort key. */
export interface KeyPlace {
  readonly part: string;
  readonly after?: string;
}

export interface KeyBatch {
  readonly keys: readonly Stored<SubjectKeyRecord>[];
  /** Absent: there is no more. */
  readonly next?: KeyPlace;
}

export const firstPlace: KeyPlace = { part: subjectKeyParts[0] ?? "00" };

function placeAfter(part: string): KeyPlace | undefined {
  const next = subjectKeyParts[subjectKeyParts.indexOf(part) + 1];
  return next === undefined ? undefined : { part: next };
}

/** As `readItems`, from the store of subject keys. */
export const readSubjectKeyItems = (app: SafekeepingApp, query: ItemQuery): Promise<readonly Item[]> =>
  readItems({ ...app, items: app.subjectKeys }, query);

/** Up to `limit` items of one part; without the tombstones among them. */
async function readPart(
  app: SafekeepingApp,
  fleet: string,
  { part, after }: KeyPlace,
  limit: number,
): Promise<KeyBatch> {
  // The bound is inclusive, and its own item may be gone.
  const range = after === undefined ? { limit } : { from: after, limit: limit + 1 };
  const items = await readSubjectKeyItems(app, { pk: subjectKeyPartition(fleet, part), ...range });
  const fresh = items.filter(({ sk }) => sk !== after).slice(0, limit);
  const keys = fresh.filter(isSubjectKeyItem).map(subjectKeyRecord);
  const last = fresh.at(-1);
  const isAtEnd = items.length < range.limit || last === undefined;
  const next = isAtEnd ? placeAfter(part) : { part, after: last.sk };
  return next === undefined ? { keys } : { keys, next };
}

/**
 * Up to `limit` keys (1 to 999) from `place` on; fewer where there are no more. A query a part, so 256 of them for a
 * fleet with few keys: a second or two.
 */
export async function readKeys(
  app: SafekeepingApp,
  fleet: string,
  place: KeyPlace,
  limit: number,
): Promise<KeyBatch> {
  const keys: Stored<SubjectKeyRecord>[] = [];
  let next: KeyPlace | undefined = place;
  while (next !== undefined && keys.length < limit) {
    const batch: KeyBatch = await readPart(app, fleet, next, limit - keys.length);
    keys.push(...batch.keys);
    next = batch.next;
  }
  return next === undefined ? { keys } : { keys, next };
}
