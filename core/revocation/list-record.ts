/**
 * Room: core/revocation. What the store knows of one list: numbers are taken here, each once, and what was published
 * is written down here, never over what is known of a later one.
 */
import { hash } from "node:crypto";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type CrlRecord, crlItem, crlKey, crlRecord } from "../records/crl-record.ts";
import type { Schedule } from "../standard/revocation.ts";
import type { ListName } from "./list-entries.ts";
import { shardWindow } from "./shard.ts";

/** Each lost race means that another publisher has made progress. */
const attempts = 200;

export const placesDigest = (urls: readonly string[]): string =>
  urls.length === 0 ? "" : hash("sha256", urls.join("\n"));

/** A list that is not there yet: a publisher makes it when `dueAt` has come. */
export function newListRecord({ fleet, authorityId, crlShard }: ListName, dueAt: number): CrlRecord {
  return {
    ...{ fleet, authorityId, crlShard, number: 0, publishedNumber: 0, thisUpdate: 0, nextUpdate: 0 },
    ...{ entries: 0, octets: 0, places: "" },
    // What has no window is the list of a root, whose key publishers do not have.
    ...(shardWindow(crlShard) === undefined ? {} : { dueAt }),
  };
}

export async function findListRecord(
  app: KeylessApp,
  name: ListName,
): Promise<Stored<CrlRecord> | undefined> {
  const item = await app.items.get(crlKey(name));
  return item === undefined ? undefined : crlRecord(item);
}

/** Writes what `decide` makes of the record, until nobody is faster; nothing when it is undefined. */
export async function changeListRecord(
  app: KeylessApp,
  name: ListName,
  decide: (record: CrlRecord) => CrlRecord | undefined,
): Promise<CrlRecord | undefined> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const stored = await findListRecord(app, name);
    const next = decide(stored?.value ?? newListRecord(name, app.clock.now()));
    if (next === undefined) return undefined;
    try {
      await app.items.transact([{ put: crlItem(next), when: stored?.version ?? "absent" }]);
      return next;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
    }
  }
  throw new AppError("store_condition_failed", `list ${name.crlShard} is written by others all the time`);
}

/** The publisher is to sign the list at its next run. Nothing changes for one that publishers do not sign. */
export async function hastenList(app: KeylessApp, name: ListName): Promise<void> {
  const now = app.clock.now();
  await changeListRecord(app, name, (record) =>
    record.dueAt === undefined ? undefined : { ...record, dueAt: now },
  );
}

/** A number that no list of this shard has or will have but ours, above `least`. */
export async function takeNumber(app: KeylessApp, name: ListName, least: number): Promise<number> {
  const taken = await changeListRecord(app, name, (record) => ({
    ...record,
    number: Math.max(record.number, least) + 1,
  }));
  return taken?.number ?? 0;
}

/** Of a list that was published. */
export type PublishedList = Pick<
  CrlRecord,
  "publishedNumber" | "thisUpdate" | "nextUpdate" | "entries" | "octets" | "places"
>;

/** Not all at once: between nine and eleven tenths of the time, for each shard the same. */
function refreshAt({ fleet, authorityId, crlShard }: ListName, from: number, { refreshSeconds }: Schedule) {
  const octets = hash("sha256", `${fleet}\n${authorityId}\n${crlShard}`, "buffer");
  const share = 0.9 + 0.2 * (octets.readUInt16BE(0) / 0xffff);
  return from + Math.floor(refreshSeconds * share) * 1000;
}

export async function recordPublished(
  app: KeylessApp,
  name: ListName,
  list: PublishedList,
  schedule: Schedule,
): Promise<void> {
  await changeListRecord(app, name, ({ dueAt: _, ...record }) => {
    if (record.publishedNumber >= list.publishedNumber) return undefined;
    const next = { ...record, ...list };
    if (shardWindow(name.crlShard) === undefined) return next;
    return { ...next, dueAt: refreshAt(name, list.thisUpdate, schedule) };
  });
}
