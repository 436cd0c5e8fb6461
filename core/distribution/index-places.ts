/**
 * Room: core/distribution. Records of an earlier release stand in fewer indexes than this release reads, or elsewhere
 * in them. Whoever meets such a record writes it anew, unchanged: that is the whole migration.
 */
import { isAppError } from "../errors.ts";
import type { Item, KeylessApp, NewItem } from "../ports.ts";
import { certificateItem, certificateRecord } from "../records/certificate-record.ts";

/** Puts in one transaction: a record has some two thousand octets. */
const putsAtOnce = 25;
/** Whoever is faster this often has written the record in the form of this release. */
const attempts = 3;

const placed = (item: Item): NewItem => certificateItem(certificateRecord(item).value);

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

/** Of a certificate's item: whether it stands in all indexes where this release puts it. */
export const isInPlace = (item: Item): boolean => isSamePlace(item, placed(item));

/** As stored now, not as an index that lags had it. */
async function placeOne(app: KeylessApp, { pk, sk }: Item): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const item = await app.items.get({ pk, sk });
    if (item === undefined) return;
    const put = placed(item);
    if (isSamePlace(item, put)) return;
    try {
      await app.items.transact([{ put, when: item.version }]);
      return;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}

async function placeSome(app: KeylessApp, items: readonly Item[]): Promise<void> {
  try {
    await app.items.transact(items.map((item) => ({ put: placed(item), when: item.version })));
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    for (const item of items) await placeOne(app, item);
  }
}

/** Writes certificates' items anew where this release puts them. @throws AppError store_unavailable. */
export async function placeAnew(app: KeylessApp, items: readonly Item[]): Promise<void> {
  for (let from = 0; from < items.length; from += putsAtOnce) {
    await placeSome(app, items.slice(from, from + putsAtOnce));
  }
}
