/** Room: core/distribution. The counts of a census: how they are read, and what more certificates make of them. */
import type { KeylessApp, WriteOperation } from "../ports.ts";
import {
  type CensusCount,
  type CensusProgress,
  censusCount,
  censusCountItem,
  censusKindKey,
  censusPartition,
  censusProgress,
  isCensusCount,
  isCensusProgress,
} from "../records/census-record.ts";
import type { CertificateRecord, Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";

/** More kinds than a fleet ever has: profile × authority × algorithm. */
const maximumKinds = 10_000;
const day = 86_400_000;

/** The day since the epoch, in UTC. */
export const dayOf = (time: number): number => Math.floor(time / day);

export interface Census {
  /** Undefined before the first run. */
  readonly progress: Stored<CensusProgress> | undefined;
  readonly counts: readonly Stored<CensusCount>[];
}

/** One read, consistent, of up to a thousand kinds. */
export async function readCensus(app: KeylessApp, fleet: string): Promise<Census> {
  const items = await readItems(app, { pk: censusPartition(fleet), limit: maximumKinds });
  const own = items.find(isCensusProgress);
  return {
    progress: own === undefined ? undefined : censusProgress(own),
    counts: items.filter(isCensusCount).map(censusCount),
  };
}

type Counted = Pick<CertificateRecord, "fleet" | "profile" | "authorityId" | "keyAlgorithm" | "notAfter">;

/** `present` with `records` added; of days before `since` nothing is kept but the total. */
function addTo(present: CensusCount, records: readonly Counted[], since: number): CensusCount {
  const days = new Map([...present.days].filter(([at]) => at >= since));
  for (const { notAfter } of records) {
    const at = dayOf(notAfter);
    if (at >= since) days.set(at, (days.get(at) ?? 0) + 1);
  }
  return { ...present, total: present.total + records.length, days };
}

const nothing = ({ fleet, profile, authorityId, keyAlgorithm }: Counted): CensusCount => ({
  fleet,
  profile,
  authorityId,
  keyAlgorithm,
  total: 0,
  days: new Map(),
});

/** A put for each kind among `records`. @param since The first day that is still of interest. */
export function countWrites(
  { counts }: Census,
  records: readonly Counted[],
  since: number,
): readonly WriteOperation[] {
  const kinds = Map.groupBy(records, censusKindKey);
  return [...kinds].flatMap(([key, members]): readonly WriteOperation[] => {
    const [first] = members;
    if (first === undefined) return [];
    const stored = counts.find(({ value }) => censusKindKey(value) === key);
    const sum = addTo(stored?.value ?? nothing(first), members, since);
    return [{ put: censusCountItem(sum), when: stored?.version ?? "absent" }];
  });
}
