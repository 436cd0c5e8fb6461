/**
 * Room: core/revocation. The entries of one list: read from their own sixteen partitions, which never lag, and marked
 * once a published list agrees with them.
 */
import { isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { CrlRecord } from "../records/crl-record.ts";
import { type RevocationEntry, revocationEntry, revokedPartition } from "../records/revocation-entry.ts";
import { shards } from "../records/shard.ts";
import { entryItem } from "./entries.ts";

export type ListName = Pick<CrlRecord, "fleet" | "authorityId" | "crlShard">;
export type StoredEntry = Stored<RevocationEntry>;

const pageItems = 1_000;
/** Entries that one transaction marks; a store takes 100. */
const batchItems = 100;
/** Transactions under way at the same time. */
const together = 4;

async function readPartition(
  app: KeylessApp,
  name: ListName,
  shard: string,
): Promise<readonly StoredEntry[]> {
  const entries: StoredEntry[] = [];
  const query = { pk: revokedPartition(name, shard), limit: pageItems };
  let cursor: string | undefined;
  do {
    const page = await app.items.query(cursor === undefined ? query : { ...query, cursor });
    for (const item of page.items) entries.push(revocationEntry(item));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return entries;
}

/** All entries, those of released certificates too, in an order that depends on nothing but themselves. */
export async function readEntries(app: KeylessApp, name: ListName): Promise<readonly StoredEntry[]> {
  return (await Promise.all(shards.map((shard) => readPartition(app, name, shard)))).flat();
}

export const isPending = ({ value }: StoredEntry): boolean => value.publishedIn === undefined;

/** Those of the batch that were marked: what has changed since it was read waits for the next list. */
async function markBatch(
  app: KeylessApp,
  batch: readonly StoredEntry[],
  number: number,
): Promise<readonly StoredEntry[]> {
  let left = batch;
  while (left.length > 0) {
    const operations = left.map(
      ({ value, version }): WriteOperation => ({
        put: entryItem({ ...value, publishedIn: number }),
        when: version,
      }),
    );
    try {
      await app.items.transact(operations);
      return left;
    } catch (error) {
      const failed = isAppError(error, "store_condition_failed") ? error.failedOperations : undefined;
      if (failed === undefined || failed.length === 0) throw error;
      left = left.filter((_, index) => !failed.includes(index));
    }
  }
  return left;
}

export interface MarkedEntries {
  readonly count: number;
  /** When the first of them was changed: milliseconds since the epoch, Infinity when there is none. */
  readonly since: number;
}

/**
 * Says of the entries, as they were read, that the list of this number agrees with them. Returns of how many it could
 * be said. @throws AppError store_unavailable: those not marked are listed once more by the next run.
 */
export async function markPublished(
  app: KeylessApp,
  entries: readonly StoredEntry[],
  number: number,
): Promise<MarkedEntries> {
  const pending = entries.filter(isPending);
  let count = 0;
  let since = Number.POSITIVE_INFINITY;
  for (let start = 0; start < pending.length; start += batchItems * together) {
    const batches = Array.from({ length: together }, (_, index) => start + index * batchItems)
      .map((at) => pending.slice(at, at + batchItems))
      .filter((batch) => batch.length > 0);
    const marked = await Promise.all(batches.map((batch) => markBatch(app, batch, number)));
    for (const { value } of marked.flat()) {
      count += 1;
      since = Math.min(since, value.changedAt);
    }
  }
  return { count, since };
}
