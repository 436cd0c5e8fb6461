/** Room: core/distribution. How many certificates a fleet has, for dashboards: from what was counted, nothing is scanned. */
import { getFleet } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import type { KeylessApp } from "../ports.ts";
import type { CensusCount, CensusKind } from "../records/census-record.ts";
import { crlPartition, crlRecord, maximumLists } from "../records/crl-record.ts";
import { readItems } from "../records/pages.ts";
import { shardWindow } from "../revocation/shard.ts";
import { dayOf, readCensus } from "./census-counts.ts";

export { takeCensus } from "./census-fold.ts";

export interface ExpiringCount {
  readonly days: number;
  readonly certificates: number;
}

/** Days are whole days in UTC: a certificate counts as unexpired until the end of the day on which it ends. */
export interface InventoryCounts {
  /** ISO 8601, UTC: certificates issued up to then are counted. 1970 before the first count. */
  readonly asOf: string;
  /** Ever issued, those of authorities, operators and the service itself among them. */
  readonly total: number;
  /** Revoked ones among them. */
  readonly unexpired: number;
  /**
   * Revoked or held, and unexpired: the entries of the published lists. A list covers a window of days, so some of the
   * present window may have ended; of what roots have revoked all is counted.
   */
  readonly revoked: number;
  /** Ending today or within the next so many days, whether revoked, renewed or not. */
  readonly expiring: readonly ExpiringCount[];
  /** Unexpired ones. */
  readonly byProfile: Readonly<Record<string, number>>;
  readonly byAuthority: Readonly<Record<string, number>>;
  readonly byKeyAlgorithm: Readonly<Record<string, number>>;
}

const expiringDays = [1, 7, 14, 30] as const;

function endingBetween({ days }: CensusCount, from: number, to: number): number {
  let sum = 0;
  for (const [at, certificates] of days) if (at >= from && at <= to) sum += certificates;
  return sum;
}

function sumBy(
  counts: readonly CensusCount[],
  name: keyof CensusKind,
  count: (of: CensusCount) => number,
): Readonly<Record<string, number>> {
  const sums = new Map<string, number>();
  for (const of of counts) sums.set(of[name], (sums.get(of[name]) ?? 0) + count(of));
  return Object.fromEntries(
    [...sums].filter(([, sum]) => sum > 0).sort(([left], [right]) => (left < right ? -1 : 1)),
  );
}

async function revokedEntries(app: KeylessApp, fleet: string, now: number): Promise<number> {
  const items = await readItems(app, { pk: crlPartition(fleet), limit: maximumLists });
  const lists = items.map((item) => crlRecord(item).value);
  const present = lists.filter(
    ({ crlShard }) => (shardWindow(crlShard)?.to ?? Number.POSITIVE_INFINITY) > now,
  );
  return present.reduce((sum, { entries }) => sum + entries, 0);
}

/**
 * Three reads, however many certificates there are; one more for each further thousand parts of CRLs.
 * @throws AppError not_found (no such fleet).
 */
export async function inventoryCounts(
  app: KeylessApp,
  request: { readonly fleet: string },
): Promise<InventoryCounts> {
  const { fleet } = request;
  const now = app.clock.now();
  const today = dayOf(now);
  const [census, revoked] = await Promise.all([
    readCensus(app, fleet),
    revokedEntries(app, fleet, now),
    getFleet(app, fleet),
  ]);
  const counts = census.counts.map(({ value }) => value);
  const ending = (to: number) => counts.reduce((sum, of) => sum + endingBetween(of, today, to), 0);
  const unexpired = (of: CensusCount) => endingBetween(of, today, Number.POSITIVE_INFINITY);
  return {
    asOf: isoSeconds(census.progress?.value.asOf ?? 0),
    total: counts.reduce((sum, { total }) => sum + total, 0),
    unexpired: ending(Number.POSITIVE_INFINITY),
    revoked,
    expiring: expiringDays.map((days) => ({ days, certificates: ending(today + days) })),
    byProfile: sumBy(counts, "profile", unexpired),
    byAuthority: sumBy(counts, "authorityId", unexpired),
    byKeyAlgorithm: sumBy(counts, "keyAlgorithm", unexpired),
  };
}
