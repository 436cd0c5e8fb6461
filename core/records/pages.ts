/** Room: core/records. A store's page may end early (by size), so whoever wants n items reads on. */
import type { Item, ItemQuery, KeylessApp } from "../ports.ts";

/** What a store gives at once. */
const pageItems = 1_000;

/** Up to `query.limit` items, which may be more than a page holds, over as many pages as it takes: fewer only when there are no more. */
export async function readItems(app: KeylessApp, query: ItemQuery): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor = query.cursor;
  do {
    const rest = { ...query, limit: Math.min(query.limit - items.length, pageItems) };
    const page = await app.items.query(cursor === undefined ? rest : { ...rest, cursor });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined && items.length < query.limit);
  return items;
}
