/**
 * Room: core/revocation. Does the work of bulk revocations: counts, and revokes what was approved, batch by batch until
 * its time is over; the next run goes on. Safe beside other workers. Jobs take turns, so that an urgent one does not
 * wait for a long count. A suspended fleet's jobs go on: to take trust back is never wrong then.
 */
import { isAppError } from "../errors.ts";
import type { RevocationApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import { jobRecord, openJobsPartition, type RevocationJobRecord } from "../records/revocation-job-record.ts";
import { readBatch, writeBatch } from "./bulk-batch.ts";
import { findJob } from "./bulk-job.ts";
import { type Place, walk } from "./bulk-walk.ts";
import { wake } from "./wake.ts";

export interface BulkOptions {
  /** Milliseconds since the epoch after which no further batch is begun. Read before each: it may come nearer. */
  readonly until: number;
}

export interface BulkReport {
  /** Counted, done or stopped. */
  readonly ended: number;
  /** Failed; the next run goes on with them. */
  readonly failed: number;
  /** Left with work to do, those that failed among them. */
  readonly open: number;
  /** Certificates that this run looked at, and that it revoked. */
  readonly read: number;
  readonly revoked: number;
}

type Tally = { -readonly [Member in keyof BulkReport]: BulkReport[Member] };

/** More than people begin. */
const maximumJobs = 1_000;

/** Lists are signed again no more often than this while a job goes on, and once at its end. */
const publishMilliseconds = 5_000;

/** Asks for the publication of what this run has revoked. */
class Publication {
  readonly #app: RevocationApp;
  #pending = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(app: RevocationApp) {
    this.#app = app;
  }

  async revoked(): Promise<void> {
    this.#pending = true;
    if (this.#app.clock.now() - this.#askedAt >= publishMilliseconds) await this.ask();
  }

  async ask(): Promise<void> {
    if (!this.#pending) return;
    this.#pending = false;
    this.#askedAt = this.#app.clock.now();
    await wake(this.#app, "publish");
  }
}

/** A job under way in this worker, and the walk at its position. */
interface Run {
  job: Stored<RevocationJobRecord>;
  places: AsyncGenerator<Place>;
}

const isOpen = ({ job }: Run): boolean => job.value.state === "counting" || job.value.state === "revoking";

function begin(app: RevocationApp, job: Stored<RevocationJobRecord>): Run {
  return { job, places: walk(app, job.value) };
}

/** One batch. Where another worker or a person changed the job first, it is read again and nothing else is done. */
async function step(app: RevocationApp, run: Run, until: number, tally: Tally): Promise<number> {
  const { value } = run.job;
  const batch = await readBatch(app, value, run.places);
  const job = await writeBatch(app, run.job, batch, until);
  if (job === undefined) {
    Object.assign(run, begin(app, await findJob(app, value)));
    return 0;
  }
  run.job = job;
  const revoked = job.value.revoked - value.revoked;
  tally.read += batch.read;
  tally.revoked += revoked;
  if (!isOpen(run)) tally.ended += 1;
  return revoked;
}

/** False when the job is not to be gone on with in this run. */
async function tryStep(
  app: RevocationApp,
  run: Run,
  until: number,
  tally: Tally,
  publication: Publication,
): Promise<boolean> {
  try {
    if ((await step(app, run, until, tally)) > 0) await publication.revoked();
    return isOpen(run);
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    app.log.error("revocation_job_failed", { jobId: run.job.value.jobId, code });
    tally.failed += 1;
    tally.open += 1;
    return false;
  }
}

/** The jobs of all fleets that have work to do, the oldest first. The index may lag, so each is read itself. */
async function openRuns(app: RevocationApp): Promise<readonly Run[]> {
  const items = await readItems(app, { index: "open", pk: openJobsPartition, limit: maximumJobs });
  const jobs = await Promise.all(items.map((item) => findJob(app, jobRecord(item).value)));
  return jobs.map((job) => begin(app, job)).filter(isOpen);
}

/**
 * Goes on with every open job until that time, or until there is nothing to do.
 * @throws AppError store_unavailable when open jobs cannot be listed. What fails for one job is logged and counted.
 */
export async function continueJobs(app: RevocationApp, options: BulkOptions): Promise<BulkReport> {
  const tally: Tally = { ended: 0, failed: 0, open: 0, read: 0, revoked: 0 };
  const publication = new Publication(app);
  let runs = await openRuns(app);
  while (runs.length > 0 && app.clock.now() < options.until) {
    const open: Run[] = [];
    for (const run of runs) {
      const { until } = options;
      const goesOn = app.clock.now() >= until || (await tryStep(app, run, until, tally, publication));
      if (goesOn) open.push(run);
    }
    runs = open;
  }
  await publication.ask();
  tally.open += runs.length;
  if (tally.read + tally.ended + tally.failed > 0) app.log.info("revocation_jobs_continued", { ...tally });
  return tally;
}
