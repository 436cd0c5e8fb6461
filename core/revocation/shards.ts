/**
 * Room: core/revocation. Lists are there before a certificate names them, empty: whoever asks for one that nobody has
 * needed yet must be told that nothing is revoked, not that nothing is there.
 */
import type { Fleet } from "../authority/issuer.ts";
import { clockSkewMilliseconds } from "../clock-skew.ts";
import { isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import { type CrlRecord, crlItem, crlPartition, crlRecord, maximumLists } from "../records/crl-record.ts";
import type { FleetConfiguration } from "../records/fleet-configuration.ts";
import { isTrusted } from "../records/fleet-record.ts";
import { readItems } from "../records/pages.ts";
import { profiles } from "../standard/profiles.ts";
import { listUrls } from "./list.ts";
import type { ListName } from "./list-entries.ts";
import { hastenList, newListRecord, placesDigest } from "./list-record.ts";
import { shardsBetween } from "./shard.ts";

const day = 86_400_000;
/** Lists that one transaction makes; a store takes 100. */
const batchItems = 100;

/** Days that the longest certificate of an issuing authority lives, of those that say where their status is. */
function longestDays({ validityDays }: FleetConfiguration): number {
  const days = Object.values(profiles)
    .filter(({ statusPointers }) => statusPointers)
    .map(({ id, defaultDays }) => validityDays[id] ?? defaultDays);
  return Math.max(...days);
}

function wantedLists(app: KeylessApp, { record, configuration, authorities }: Fleet): readonly ListName[] {
  const now = app.clock.now();
  const windows = shardsBetween(now, now + longestDays(configuration) * day, configuration.crlWindowDays);
  return (
    authorities
      // One that is published issues soon; one that drains may be called back.
      .filter((authority) => authority.record.kind === "issuing" && isTrusted(authority.record))
      .flatMap(({ record: { authorityId } }) =>
        windows.map((crlShard) => ({ fleet: record.fleet, authorityId, crlShard })),
      )
  );
}

const keyOf = ({ authorityId, crlShard }: ListName): string => `${authorityId}#${crlShard}`;

/** New lists, due now. Another run may have made some of them meanwhile. */
async function makeLists(app: KeylessApp, names: readonly ListName[]): Promise<number> {
  const now = app.clock.now();
  let made = 0;
  for (let left = names; left.length > 0; ) {
    const batch = left.slice(0, batchItems);
    try {
      const puts = batch.map((name) => ({ put: crlItem(newListRecord(name, now)), when: "absent" }) as const);
      await app.items.transact(puts);
      made += batch.length;
      left = left.slice(batchItems);
    } catch (error) {
      const failed = isAppError(error, "store_condition_failed") ? error.failedOperations : undefined;
      if (failed === undefined || failed.length === 0) throw error;
      left = left.filter((_, index) => !failed.includes(index));
    }
  }
  return made;
}

/**
 * Due at once: lists that name themselves by other addresses than certificates do by now, and those that a clock which
 * ran ahead has dated in the future, where readers do not take them.
 */
async function hastenLists(
  app: KeylessApp,
  bases: readonly string[],
  lists: readonly CrlRecord[],
): Promise<number> {
  const now = app.clock.now();
  const wrong = lists.filter(({ places, dueAt, publishedNumber, thisUpdate, ...name }) => {
    const waits = publishedNumber > 0 && dueAt !== undefined && dueAt > now;
    const isAhead = thisUpdate > now + clockSkewMilliseconds;
    return waits && (isAhead || places !== placesDigest(listUrls(bases, name)));
  });
  for (const name of wrong) await hastenList(app, name);
  return wrong.length;
}

/**
 * Makes the lists that certificates issued from now on may name, and hastens those whose addresses have changed. The
 * publisher signs them. Returns how many it made or hastened; a fleet without addresses gets none. One query when
 * there is nothing to do.
 * @throws AppError store_unavailable.
 */
export async function tendShards(app: KeylessApp, fleet: Fleet): Promise<number> {
  const { fleet: name, artifactBases: bases = [] } = fleet.record;
  if (bases.length === 0) return 0;
  const items = await readItems(app, { pk: crlPartition(name), limit: maximumLists });
  const lists = items.map((item) => crlRecord(item).value);
  const known = new Set(lists.map(keyOf));
  const missing = wantedLists(app, fleet).filter((list) => !known.has(keyOf(list)));
  return (await makeLists(app, missing)) + (await hastenLists(app, bases, lists));
}
