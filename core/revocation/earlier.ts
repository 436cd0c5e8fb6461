/**
 * Room: core/revocation. What earlier releases revoked has no entry that lists are made from: each deployment looks for
 * it once, and from then on among what was revoked since, should an earlier release have answered still.
 */
import { isAppError } from "../errors.ts";
import type { KeylessApp, NewItem } from "../ports.ts";
import { number } from "../records/attributes.ts";
import {
  type CertificateRecord,
  certificateRecord,
  revokedIndexPartition,
  type Stored,
  timeKey,
} from "../records/certificate-record.ts";
import { shards } from "../records/shard.ts";
import { listedWrites } from "./entries.ts";

const pageItems = 100;
/** Functions of an earlier release answer for no longer than this beside those of the present one. */
const overlap = 86_400_000;

const markKey = (fleet: string) => ({ pk: `EARLIER-REVOCATIONS#${fleet}`, sk: "READ" });

function markItem(fleet: string, readAt: number): NewItem {
  return { ...markKey(fleet), attributes: { readAt } };
}

/** False when the record has changed since, or its list has gone: then there is nothing to write. */
async function adopt(app: KeylessApp, stored: Stored<CertificateRecord>): Promise<boolean> {
  const writes = listedWrites(app, stored);
  if (writes.length === 0) return false;
  try {
    await app.items.transact(writes);
    return true;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return false;
    throw error;
  }
}

async function adoptPartition(app: KeylessApp, pk: string, from: string): Promise<number> {
  const query = { index: "open", pk, from, limit: pageItems } as const;
  let adopted = 0;
  let cursor: string | undefined;
  do {
    const page = await app.items.query(cursor === undefined ? query : { ...query, cursor });
    for (const stored of page.items.map(certificateRecord)) {
      // This release writes down the list with every revocation.
      if (stored.value.crlShard === undefined && (await adopt(app, stored))) adopted += 1;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return adopted;
}

/**
 * Makes the missing entries, so that the next lists have them. Returns how many. To be repeated at each deployment;
 * safe after a kill and beside others.
 * @throws AppError store_unavailable.
 */
export async function adoptEarlierRevocations(app: KeylessApp, fleet: string): Promise<number> {
  const mark = await app.items.get(markKey(fleet));
  const now = app.clock.now();
  const from = timeKey(mark === undefined ? 0 : number(mark, "readAt") - overlap);
  let adopted = 0;
  for (const shard of shards) adopted += await adoptPartition(app, revokedIndexPartition(fleet, shard), from);
  await app.items
    .transact([{ put: markItem(fleet, now), when: mark?.version ?? "absent" }])
    // Another deployment has read as far.
    .catch((error: unknown) => {
      if (!isAppError(error, "store_condition_failed")) throw error;
    });
  if (adopted > 0) app.log.info("earlier_revocations_adopted", { fleet, adopted });
  return adopted;
}
