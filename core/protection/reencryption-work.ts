/**
 * Room: core/protection. Does the work of re-encryptions: moves keys batch by batch, then has each opened again. Keys
 * and progress are in two stores: keys are moved first, so a batch whose progress was lost is repeated and found done.
 */
import { getFleet } from "../authority/issuer.ts";
import { isAppError } from "../errors.ts";
import type { Item, SafekeepingApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  isReencryptionOpen,
  openReencryptionsPartition,
  type ReencryptionRecord,
  reencryptionItem,
  reencryptionRecord,
} from "../records/reencryption-record.ts";
import { cancelled, movingFromStart, reencryptionEntry } from "./reencryption.ts";
import { moveKeys, verifyKeys } from "./reencryption-batch.ts";
import { findReencryption } from "./reencryption-view.ts";
import { codeOf } from "./safekeeping-list.ts";
import {
  continueOpen,
  noteSafely,
  putOrRead,
  type SafekeepingCounts,
  type Turn,
  toldFailures,
} from "./safekeeping-turns.ts";
import { firstPlace, type KeyPlace, readKeys } from "./safekeeping-walk.ts";

/** Puts of one transaction. */
const movedKeys = 99;
/** One call of the key service each: so many that progress is written every few seconds. */
const verifiedKeys = 250;

const firstWait = 5_000;
const longestWait = 900_000;

/** The job at `place`, after a success. */
function at(
  { after: _, lastFailure: __, nextAt: ___, ...job }: ReencryptionRecord,
  place: KeyPlace,
): ReencryptionRecord {
  return { ...job, ...place, failures: 0 };
}

/** What waits: longer after each failure in a row, and as long as the service asks. */
function waitOf(failures: number, error: unknown): number {
  const asked = isAppError(error) ? (error.retryAfter ?? 0) * 1_000 : 0;
  return Math.max(asked, Math.min(longestWait, firstWait * 2 ** (failures - 1)));
}

class ReencryptionTurn implements Turn {
  readonly #app: SafekeepingApp;
  readonly #counts: SafekeepingCounts;
  #job: Stored<ReencryptionRecord>;
  #isPrepared = false;

  constructor(app: SafekeepingApp, counts: SafekeepingCounts, job: Stored<ReencryptionRecord>) {
    this.#app = app;
    this.#counts = counts;
    this.#job = job;
  }

  get id(): string {
    return this.#job.value.jobId;
  }

  get isDue(): boolean {
    const { value } = this.#job;
    return isReencryptionOpen(value) && (value.nextAt ?? 0) <= this.#app.clock.now();
  }

  async step() {
    const before = this.#job.value.state;
    if (!this.#isPrepared) await this.#prepare();
    else if (before === "moving") await this.#move();
    else await this.#verify();
    const { state } = this.#job.value;
    if (isReencryptionOpen(this.#job.value)) return "open";
    return state === "done" ? "ended" : "left";
  }

  async fail(error: unknown): Promise<void> {
    await noteSafely(this.#app, this.id, async () => {
      const job = this.#job.value;
      const { fleet, jobId: subject } = job;
      const failures = job.failures + 1;
      const nextAt = this.#app.clock.now() + waitOf(failures, error);
      await this.#write({ ...job, failures, lastFailure: codeOf(error), nextAt });
      if (failures !== toldFailures) return;
      const measures = { failures };
      await this.#app.notifier.notify({
        event: "reencryption.stalled",
        severity: "warning",
        fleet,
        subject,
        measures,
      });
    });
  }

  /** Where somebody else changed the job first, it is read again. */
  async #write(job: ReencryptionRecord, entry?: WriteOperation): Promise<void> {
    const find = () => findReencryption(this.#app, job);
    const change = { record: job, item: reencryptionItem(job), entry, find };
    this.#job = (await putOrRead(this.#app, this.#job, change)).stored;
  }

  /** Once a run: the fleet's data may have been shredded, its wrapping key may be another one. */
  async #prepare(): Promise<void> {
    const job = this.#job.value;
    const { record } = await getFleet(this.#app, job.fleet);
    if (record.dataShreddedAt === undefined) {
      const keyId = await this.#app.wrappingKeys.keyOf(job.fleet);
      if (keyId !== job.targetKeyId) await this.#write({ ...at(job, firstPlace), ...movingFromStart(keyId) });
    } else {
      const entry = reencryptionEntry(this.#app, job, "reencryption.ended", "system", "shredded");
      await this.#write(cancelled(job, this.#app.clock.now()), entry);
    }
    this.#isPrepared = true;
  }

  async #move(): Promise<void> {
    const job = this.#job.value;
    const batch = await readKeys(this.#app, job.fleet, job, movedKeys);
    const { moved, unchanged, unreadable, written, failure } = await moveKeys(this.#app, job, batch.keys);
    this.#counts.moved += written;
    if (failure !== undefined) throw failure.error;
    const counts = { moved: job.moved + moved, unchanged: job.unchanged + unchanged };
    if (batch.next !== undefined)
      await this.#write({ ...at(job, batch.next), ...counts, unreadable: job.unreadable + unreadable });
    // The verification looks at every key, so it counts the unreadable ones anew.
    else await this.#write({ ...at(job, firstPlace), ...counts, state: "verifying", unreadable: 0 });
  }

  async #verify(): Promise<void> {
    const job = this.#job.value;
    const batch = await readKeys(this.#app, job.fleet, job, verifiedKeys);
    const { verified, unreadable, left } = await verifyKeys(this.#app, job, batch.keys);
    this.#counts.verified += verified;
    if (left > 0) {
      const keyId = await this.#app.wrappingKeys.keyOf(job.fleet);
      return await this.#write({ ...at(job, firstPlace), ...movingFromStart(keyId) });
    }
    const counts = { verified: job.verified + verified, unreadable: job.unreadable + unreadable };
    if (batch.next === undefined) await this.#end({ ...at(job, firstPlace), ...counts });
    else await this.#write({ ...at(job, batch.next), ...counts });
  }

  /** People are told first: what is done is told, whoever dies over it. */
  async #end(job: ReencryptionRecord): Promise<void> {
    const { fleet, jobId: subject, moved, verified, unreadable } = job;
    const notice = { fleet, subject, measures: { moved, verified, unreadable } };
    const { notifier } = this.#app;
    if (unreadable > 0)
      await notifier.notify({ ...notice, event: "reencryption.unreadable", severity: "critical" });
    else await notifier.notify({ ...notice, event: "reencryption.ended", severity: "information" });
    const reason = unreadable > 0 ? "unreadable" : "done";
    const entry = reencryptionEntry(this.#app, job, "reencryption.ended", "system", reason);
    await this.#write({ ...job, state: "done", endedAt: this.#app.clock.now() }, entry);
  }
}

/**
 * Goes on with every open re-encryption that is due, until its end or `isOver`.
 * @throws AppError store_unavailable when open ones cannot be listed.
 */
export function continueReencryptions(
  app: SafekeepingApp,
  counts: SafekeepingCounts,
  isOver: () => boolean,
): Promise<void> {
  const turnOf = async (item: Item) =>
    new ReencryptionTurn(app, counts, await findReencryption(app, reencryptionRecord(item).value));
  return continueOpen(app, counts, isOver, { partition: openReencryptionsPartition, turnOf });
}
