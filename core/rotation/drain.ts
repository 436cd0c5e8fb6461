/** Room: core/rotation. When the last certificate has ended that an authority issued: until then it is trusted, and its lists are kept. */
import type { Fleet } from "../authority/issuer.ts";
import { readCensus } from "../distribution/census-counts.ts";
import { closeAfterMilliseconds } from "../enrollment/reconciler.ts";
import type { KeylessApp } from "../ports.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { profiles } from "../standard/profiles.ts";
import { revocationStandard } from "../standard/revocation.ts";

const day = 86_400_000;
/** What was begun before a change of authorities is finished or closed by then, recorded, and counted. */
const settledMilliseconds = closeAfterMilliseconds + 3_600_000;

const endEntityDays = Object.values(profiles)
  .filter(({ basicConstraints: { cA }, id }) => !cA && id !== "trustSigner")
  .map(({ maximumDays }) => maximumDays);
/** That an issuing authority's certificates may be valid for. */
const longestDays = Math.max(...endEntityDays);

const endOf = ({ authorities }: Fleet, authorityId: string): number =>
  authorities.find(({ record }) => record.authorityId === authorityId)?.certificate.tbs.validity.notAfter ??
  0;

/** Nothing that `authorityId` has issued up to `now` is valid for longer. Milliseconds since the epoch. */
export function latestEnd(fleet: Fleet, authorityId: string, now: number): number {
  return Math.min(endOf(fleet, authorityId), now + longestDays * day);
}

/**
 * The end of the last of them, as counted; undefined while the count has not come past `since`, when it stopped
 * issuing. Responders that answer for it still are not counted.
 */
export async function countedEnd(
  app: KeylessApp,
  {
    fleet,
    authorityId,
    since,
  }: { readonly fleet: string; readonly authorityId: string; readonly since: number },
): Promise<number | undefined> {
  const { progress, counts } = await readCensus(app, fleet);
  if (progress === undefined || progress.value.asOf < since + settledMilliseconds) return undefined;
  let last = -1;
  for (const { value } of counts) {
    if (value.authorityId !== authorityId || value.profile === "ocspResponder") continue;
    for (const [ends, certificates] of value.days) if (certificates > 0) last = Math.max(last, ends);
  }
  return Math.max(since, (last + 1) * day);
}

/**
 * From when on the predecessor's key signs nothing more: not before its last list. RFC 5280 §3.3 asks for one after the
 * last certificate has ended, and an authority that left the trust before that still revokes what it issued. A root
 * out of the trust signs no lists.
 */
export function lastListAt({ kind, drainedAt = 0 }: Pick<RolloverRecord, "kind" | "drainedAt">): number {
  if (kind === "root") return 0;
  const { crlWindowDays, afterExpiryDays } = revocationStandard;
  return drainedAt + (crlWindowDays.maximum + afterExpiryDays) * day;
}
