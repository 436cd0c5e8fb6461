/**
 * Room: core/revocation. Which lists there is work for: those that an entry waits for, the longest waiting first, then
 * those that are due. Nothing is searched: both stand in the index `open`, in sixteen parts each.
 */
import { isAppError } from "../errors.ts";
import type { Item, ItemQuery, KeylessApp } from "../ports.ts";
import { crlRecord, isCrlItem } from "../records/crl-record.ts";
import { duePartition, dueUntil } from "../records/due.ts";
import { revocationEntry, unpublishedPartition } from "../records/revocation-entry.ts";
import { shards } from "../records/shard.ts";
import type { ListName } from "./list-entries.ts";

export interface ListWork {
  readonly name: ListName;
  /** Entries that wait for it, and since when the first one does: milliseconds since the epoch, Infinity for none. */
  readonly waiting: number;
  readonly since: number;
}

const pageItems = 1_000;

/** Page by page, so that no more than a page is held, however many wait. */
async function eachItem(
  app: KeylessApp,
  query: Omit<ItemQuery, "limit">,
  look: (item: Item) => void,
): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await app.items.query({ ...query, limit: pageItems, ...(cursor && { cursor }) });
    page.items.forEach(look);
    cursor = page.cursor;
  } while (cursor !== undefined);
}

export interface FoundWork {
  readonly lists: readonly ListWork[];
  /** Items that cannot be read: what they stood for is not done, and that of others is. */
  readonly damaged: number;
}

/** @throws AppError store_unavailable. */
export async function listsWithWork(app: KeylessApp): Promise<FoundWork> {
  let damaged = 0;
  const reading = (look: (item: Item) => void) => (item: Item) => {
    try {
      look(item);
    } catch (error) {
      if (!isAppError(error, "internal")) throw error;
      damaged += 1;
      app.log.error("list_work_damaged", { code: error.code });
    }
  };
  const found = new Map<string, ListWork>();
  const note = ({ fleet, authorityId, crlShard }: ListName, since?: number): void => {
    const key = `${fleet}\n${authorityId}\n${crlShard}`;
    const known = found.get(key);
    found.set(key, {
      name: known?.name ?? { fleet, authorityId, crlShard },
      waiting: (known?.waiting ?? 0) + (since === undefined ? 0 : 1),
      since: Math.min(known?.since ?? Number.POSITIVE_INFINITY, since ?? Number.POSITIVE_INFINITY),
    });
  };
  const index = "open";
  const bounds = dueUntil(app.clock.now());
  await Promise.all([
    ...shards.map((shard) =>
      eachItem(
        app,
        { index, pk: unpublishedPartition(shard) },
        reading((item) => {
          const { value } = revocationEntry(item);
          note(value, value.changedAt);
        }),
      ),
    ),
    ...shards.map((shard) =>
      eachItem(
        app,
        { index, pk: duePartition(shard), ...bounds },
        reading((item) => {
          if (isCrlItem(item)) note(crlRecord(item).value);
        }),
      ),
    ),
  ]);
  const lists = [...found.values()].sort((left, right) => left.since - right.since || 0);
  return { lists, damaged };
}
