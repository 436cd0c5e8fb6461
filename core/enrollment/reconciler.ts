/**
 * Room: core/enrollment. Finishes or closes what a crash left: every intent whose signer is gone. Idempotent,
 * and safe beside live signers and other reconcilers. Run on a schedule; locally at start and every five seconds.
 */

import { auditEntry } from "../audit/entry.ts";
import { findFleet } from "../authority/issuer.ts";
import { isAppError } from "../errors.ts";
import type { App, Notifier } from "../ports.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateRecord,
  openPartition,
  type Stored,
} from "../records/certificate-record.ts";
import { isTrusted } from "../records/fleet-record.ts";
import { shards } from "../records/shard.ts";
import { completeIntent, isOrphan, takeOver } from "./intent.ts";

/** After a day nobody waits for the answer any more, and the back-dated notBefore no longer fits. */
export const closeAfterMilliseconds = 86_400_000;

export interface ReconcilerReport {
  readonly finished: number;
  readonly closed: number;
  /** Failed again; the next run tries once more. */
  readonly failed: number;
  /** Intents that this run leaves unfinished: failed, held by a live signer, or found after `until`. */
  readonly open: number;
  /** Age of the oldest of them in whole seconds; 0 when there is none. */
  readonly oldestOpenSeconds: number;
}

export interface ReconcilerOptions {
  /**
   * Milliseconds since the epoch after which no further intent is begun; those left are counted all the same.
   * One begun before may take as long as a signature does.
   * @default without end
   */
  readonly until?: number;
  /** Logs a run that changed nothing too, so that a filter has a measure of every run. @default false */
  readonly logEveryRun?: boolean;
  /** Told how many intents were closed unfinished, when any were. @default nobody */
  readonly notifier?: Notifier;
}

type Outcome = "finished" | "closed" | "skipped" | "failed";

interface Tally extends Record<Outcome, number> {
  /** Of what remains open; Infinity when nothing does. */
  oldest: number;
}

async function closeIntent(app: App, intent: Stored<CertificateRecord>): Promise<void> {
  const { tbs: _, ...record } = intent.value;
  await app.items.transact([
    { put: certificateItem({ ...record, state: "closed", leaseUntil: 0 }), when: intent.version },
    auditEntry(app, {
      fleet: record.fleet,
      action: "issuance.closed",
      actor: "system",
      subject: record.serialNumber,
      result: "failure",
      reason: "unfinished",
    }),
  ]);
}

/** Nobody accepts what an authority signs that has left the trust; a lost one signs nothing new. */
async function isOutOfTrust(app: App, { fleet, authorityId }: CertificateRecord): Promise<boolean> {
  const authorities = (await findFleet(app, fleet))?.authorities ?? [];
  return authorities.some(({ record }) => record.authorityId === authorityId && !isTrusted(record));
}

async function finishOrClose(app: App, stored: Stored<CertificateRecord>): Promise<Outcome> {
  if (!isOrphan(app, stored.value)) return "skipped";
  const now = app.clock.now();
  const intent = await takeOver(app, stored);
  if (intent === undefined) return "skipped";
  const isLate = stored.value.createdAt + closeAfterMilliseconds <= now || stored.value.notAfter <= now;
  if (isLate || (await isOutOfTrust(app, stored.value))) {
    await closeIntent(app, intent);
    return "closed";
  }
  await completeIntent(app, intent);
  return "finished";
}

async function reconcileOne(app: App, stored: Stored<CertificateRecord>): Promise<Outcome> {
  try {
    return await finishOrClose(app, stored);
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    app.log.error("intent_not_finished", { serialNumber: stored.value.serialNumber, code });
    return "failed";
  }
}

async function reconcileShard(app: App, shard: string, until: number, tally: Tally): Promise<void> {
  let cursor: string | undefined;
  do {
    const query = { index: "open", pk: openPartition(shard), limit: 100 } as const;
    const page = await app.items.query(cursor === undefined ? query : { ...query, cursor });
    for (const stored of page.items.map(certificateRecord)) {
      const outcome = app.clock.now() < until ? await reconcileOne(app, stored) : "skipped";
      tally[outcome] += 1;
      const isOpen = outcome === "skipped" || outcome === "failed";
      if (isOpen) tally.oldest = Math.min(tally.oldest, stored.value.createdAt);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** All shards beside one another: those of a late shard do not wait for a signature of an early one. */
async function reconcileShards(app: App, until: number): Promise<Tally> {
  const tally: Tally = { finished: 0, closed: 0, skipped: 0, failed: 0, oldest: Number.POSITIVE_INFINITY };
  const runs = await Promise.allSettled(shards.map((shard) => reconcileShard(app, shard, until, tally)));
  const failure = runs.find((run) => run.status === "rejected");
  // Only now that nothing of this run is under way any more.
  if (failure !== undefined) throw failure.reason;
  return tally;
}

/**
 * Tries every intent that it finds open, once.
 * @throws AppError store_unavailable when open intents cannot be listed; the notifier's codes.
 */
export async function reconcile(app: App, options: ReconcilerOptions = {}): Promise<ReconcilerReport> {
  const { until = Number.POSITIVE_INFINITY, logEveryRun = false, notifier } = options;
  const { finished, closed, failed, skipped, oldest } = await reconcileShards(app, until);
  const open = failed + skipped;
  const age = open === 0 ? 0 : Math.max(0, Math.floor((app.clock.now() - oldest) / 1000));
  const report: ReconcilerReport = { finished, closed, failed, open, oldestOpenSeconds: age };
  if (logEveryRun || finished + closed + failed > 0) app.log.info("reconciled", { ...report });
  if (closed > 0) {
    await notifier?.notify({ event: "issuance.closed", severity: "warning", measures: { closed } });
  }
  return report;
}
