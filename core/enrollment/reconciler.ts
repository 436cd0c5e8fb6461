/**
 * Room: core/enrollment. Finishes or closes what a crash left: every intent whose signer is gone. Idempotent,
 * and safe beside live signers and other reconcilers. Run on a schedule; locally at start and every five seconds.
 */

import { auditEntry } from "../audit/entry.ts";
import { isAppError } from "../errors.ts";
import type { App } from "../ports.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateRecord,
  openPartition,
  type Stored,
} from "../records/certificate-record.ts";
import { shards } from "../records/shard.ts";
import { completeIntent, isOrphan, takeOver } from "./intent.ts";

/** After a day nobody waits for the answer any more, and the back-dated notBefore no longer fits. */
const closeAfterMilliseconds = 86_400_000;

export interface ReconcilerReport {
  readonly finished: number;
  readonly closed: number;
  /** Failed again; the next run tries once more. */
  readonly failed: number;
}

type Outcome = "finished" | "closed" | "skipped";

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

async function reconcileOne(app: App, stored: Stored<CertificateRecord>): Promise<Outcome> {
  if (!isOrphan(app, stored.value)) return "skipped";
  const now = app.clock.now();
  const intent = await takeOver(app, stored);
  if (intent === undefined) return "skipped";
  if (stored.value.createdAt + closeAfterMilliseconds <= now || stored.value.notAfter <= now) {
    await closeIntent(app, intent);
    return "closed";
  }
  await completeIntent(app, intent);
  return "finished";
}

async function reconcileShard(
  app: App,
  shard: string,
  tally: Record<Outcome | "failed", number>,
): Promise<void> {
  let cursor: string | undefined;
  do {
    const query = { index: "open", pk: openPartition(shard), limit: 100 } as const;
    const page = await app.items.query(cursor === undefined ? query : { ...query, cursor });
    for (const stored of page.items.map(certificateRecord)) {
      try {
        tally[await reconcileOne(app, stored)] += 1;
      } catch (error) {
        tally.failed += 1;
        const code = isAppError(error) ? error.code : "internal";
        app.log.error("intent_not_finished", { serialNumber: stored.value.serialNumber, code });
      }
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** @throws AppError store_unavailable when open intents cannot be listed. */
export async function reconcile(app: App): Promise<ReconcilerReport> {
  const tally = { finished: 0, closed: 0, skipped: 0, failed: 0 };
  for (const shard of shards) await reconcileShard(app, shard, tally);
  const { finished, closed, failed } = tally;
  if (finished + closed + failed > 0) app.log.info("reconciled", { finished, closed, failed });
  return { finished, closed, failed };
}
