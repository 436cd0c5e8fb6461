/**
 * Room: core/revocation. Lists that their records tell of and that readers do not find: somebody removed the object,
 * damaged it, or put an older one in its place. The publisher looks at lists that are due, so these are made due.
 */
import { isAppError } from "../errors.ts";
import { readCrlNumber } from "../formats/crl/certificate-list.ts";
import type { ReaderApp } from "../ports.ts";
import { type CrlRecord, crlPartition, crlRecord, maximumLists } from "../records/crl-record.ts";
import { readItems } from "../records/pages.ts";
import { listKey } from "./list.ts";
import { hastenList } from "./list-record.ts";

/** Objects that are read at the same time. A large one is in memory whole. */
const together = 4;

/** Published, and the publisher would not look at it by itself for days. */
const isAwaited = ({ publishedNumber, dueAt }: CrlRecord, now: number): boolean =>
  publishedNumber > 0 && dueAt !== undefined && dueAt > now;

/** The record was read first, so a list that is published meanwhile has a higher number. */
async function isLost({ artifacts }: ReaderApp, record: CrlRecord): Promise<boolean> {
  const object = await artifacts.get(listKey(record));
  if (object === undefined) return true;
  try {
    return readCrlNumber(object.body) < record.publishedNumber;
  } catch (error) {
    if (isAppError(error)) return true;
    throw error;
  }
}

/**
 * Makes due what is lost; the next run of the publisher signs it again, under a higher number. Reads each list of the
 * fleet once, so it is for deployments, starts and the hour. A root's list is published by whoever calls this.
 * @returns How many were lost. @throws AppError store_unavailable.
 */
export async function hastenLostLists(app: ReaderApp, fleet: string): Promise<number> {
  const items = await readItems(app, { pk: crlPartition(fleet), limit: maximumLists });
  const now = app.clock.now();
  const queue = items.map((item) => crlRecord(item).value).filter((record) => isAwaited(record, now));
  let lost = 0;
  const worker = async (): Promise<void> => {
    for (let record = queue.shift(); record !== undefined; record = queue.shift()) {
      if (!(await isLost(app, record))) continue;
      const { authorityId, crlShard } = record;
      app.log.error("crl_lost", { fleet, authorityId, crlShard });
      await hastenList(app, record);
      lost += 1;
    }
  };
  await Promise.all(Array.from({ length: together }, worker));
  return lost;
}
