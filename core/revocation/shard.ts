/**
 * Room: core/revocation. Which part of an authority's CRL a certificate belongs to: the window of days in which it
 * expires. When a window has passed its whole list goes, and no list grows for longer than certificates live.
 */
import { AppError } from "../errors.ts";
import { revocationStandard } from "../standard/revocation.ts";

const day = 86_400_000;

/** The one list of an authority whose certificates are few: a root's. Complete, so it has no distribution point. */
export const completeShard = "complete";

const pattern = /^(\d{4}-\d{2}-\d{2})\.([1-9]\d?)d$/;

/** The shard of a certificate of an issuing authority: `2026-11-26.7d` is the seven days from there (UTC). */
export function crlShardOf(notAfter: number, windowDays: number): string {
  const window = windowDays * day;
  const start = Math.floor(notAfter / window) * window;
  return `${new Date(start).toISOString().slice(0, 10)}.${windowDays}d`;
}

export interface ShardWindow {
  /** Milliseconds since the epoch: certificates of the shard end at `from` or later, and before `to`. */
  readonly from: number;
  readonly to: number;
  readonly days: number;
}

/** Undefined for what is no shard's name, and for the complete list, which has no window. */
export function shardWindow(shard: string): ShardWindow | undefined {
  const match = pattern.exec(shard);
  const from = match === null ? Number.NaN : Date.parse(`${match[1]}T00:00:00Z`);
  const days = Number(match?.[2]);
  if (Number.isNaN(from) || days > revocationStandard.crlWindowDays.maximum) return undefined;
  return crlShardOf(from, days) === shard ? { from, to: from + days * day, days } : undefined;
}

/** The shard's name as it stands in URLs and object keys, without `.crl`. @throws AppError not_found. */
export function parseShard(name: string): string {
  if (name === completeShard || shardWindow(name) !== undefined) return name;
  throw new AppError("not_found", "there is no such list; certificates name theirs in cRLDistributionPoints");
}

/** The windows that certificates issued from `now` on may fall into, up to `horizon`; milliseconds since the epoch. */
export function shardsBetween(now: number, horizon: number, windowDays: number): readonly string[] {
  const names: string[] = [];
  const window = windowDays * day;
  for (let at = now; at < horizon + window; at += window) {
    const name = crlShardOf(at, windowDays);
    if ((shardWindow(name)?.from ?? 0) <= horizon) names.push(name);
  }
  return names;
}

/** When the last list of the shard has served: its certificates are long expired then. */
export function shardRetirement({ to }: ShardWindow): number {
  return to + revocationStandard.afterExpiryDays * day;
}
