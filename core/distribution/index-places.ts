/**
 * Room: core/distribution. Records of an earlier release stand in fewer indexes than this release reads, or elsewhere
 * in them, and one that was revoked has no entry that a list is made from. Whoever meets such a record writes it anew, and
 * the entry: that is the whole migration.
 */
import { isAppError } from "../errors.ts";
import type { Item, KeylessApp, NewItem, WriteOperation } from "../ports.ts";
import { certificateItem, certificateRecord } from "../records/certificate-record.ts";
import { listedWrites } from "../revocation/entries.ts";

/** Puts in one transaction: a record has some two thousand octets. */
const putsAtOnce = 25;
/** Whoever is faster this often has written the record in the form of this release. */
const attempts = 3;

function isSamePlace(item: Item, { indexes = {} }: NewItem): boolean {
  const wanted = Object.entries(indexes);
  return (
    wanted.length === Object.keys(item.indexes ?? {}).length &&
    wanted.every(([name, key]) => {
      const present = item.indexes?.[name as keyof typeof indexes];
      return present?.pk === key.pk && present.sk === key.sk;
    })
  );
}

/** What puts the record where this release has it, and when it was revoked, onto its list; nothing when it is there. */
function placingWrites(app: KeylessApp, item: Item): readonly WriteOperation[] {
  const stored = certificateRecord(item);
  // This release writes down the list with every revocation, and an entry that lists are made from.
  const isUnlisted = stored.value.state === "revoked" && stored.value.crlShard === undefined;
  const listed = isUnlisted ? listedWrites(app, stored) : [];
  if (listed.length > 0) return listed;
  const put = certificateItem(stored.value);
  return isSamePlace(item, put) ? [] : [{ put, when: item.version }];
}

/** Of a certificate's item: whether it stands wherever this release reads it. */
export const isInPlace = (app: KeylessApp, item: Item): boolean => placingWrites(app, item).length === 0;

/** As stored now, not as an index that lags had it. */
async function placeOne(app: KeylessApp, { pk, sk }: Item): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const item = await app.items.get({ pk, sk });
    if (item === undefined) return;
    const writes = placingWrites(app, item);
    if (writes.length === 0) return;
    try {
      await app.items.transact(writes);
      return;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}

async function placeSome(app: KeylessApp, items: readonly Item[]): Promise<void> {
  try {
    await app.items.transact(items.flatMap((item) => placingWrites(app, item)));
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    for (const item of items) await placeOne(app, item);
  }
}

/** Writes certificates' items anew where this release puts them; none of them is in its place. @throws AppError store_unavailable. */
export async function placeAnew(app: KeylessApp, items: readonly Item[]): Promise<void> {
  for (let from = 0; from < items.length; from += putsAtOnce) {
    await placeSome(app, items.slice(from, from + putsAtOnce));
  }
}
