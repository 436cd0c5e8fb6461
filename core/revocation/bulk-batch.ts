/**
 * Room: core/revocation. One batch of a bulk revocation: what it is to change, and the job after it, in one transaction
 * that is conditioned on the job as it was read. So no certificate is counted twice, whoever works beside, and a kill
 * loses at most the batch under way.
 */

import { findCertificate } from "../enrollment/intent.ts";
import { isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import type { CertificateRecord, Stored } from "../records/certificate-record.ts";
import { type JobPosition, jobItem, type RevocationJobRecord } from "../records/revocation-job-record.ts";
import { jobEntry } from "./bulk.ts";
import { certificatesOf, withSubjects } from "./bulk-subjects.ts";
import type { Place } from "./bulk-walk.ts";
import { earlierEntry, isHeld, revocationWrites } from "./entries.ts";

/** Three operations each, the job and its end: within the hundred that a transaction holds. */
const batchRevocations = 25;
/** Places after which the job is written though there is little to revoke. */
const batchPlaces = 1_000;

/** Whose act each revocation of the job is, as the audit log and the certificate's record name it. */
export const jobActor = ({ jobId }: Pick<RevocationJobRecord, "jobId">): string => `revocation-job:${jobId}`;

export interface Batch {
  readonly read: number;
  readonly matched: number;
  /** To be revoked when the job is one that revokes. */
  readonly revocable: readonly Stored<CertificateRecord>[];
  readonly position: JobPosition | undefined;
  /** The walk is at its end. */
  readonly ended: boolean;
}

/** Trust in it can still be taken back for good. */
function isRevocable(record: CertificateRecord, now: number): boolean {
  return record.notAfter >= now && (record.state === "issued" || isHeld(record));
}

/** The next places of `walk`, so many that their writes fit into one transaction. */
export async function readBatch(
  app: KeylessApp,
  job: RevocationJobRecord,
  walk: AsyncGenerator<Place>,
): Promise<Batch> {
  const revocable: Stored<CertificateRecord>[] = [];
  const maximum = job.state === "revoking" ? batchRevocations : Number.POSITIVE_INFINITY;
  let [read, matched, position] = [0, 0, job.position];
  for (let places = 0; places < batchPlaces && revocable.length < maximum; places += 1) {
    const next = await walk.next();
    if (next.done === true) return { read, matched, revocable, position, ended: true };
    const { certificate, matches } = next.value;
    position = next.value.position;
    // A revocation may move a record of an earlier release on in the index: what this job revoked, it has counted.
    if (certificate === undefined || certificate.value.revokedBy === jobActor(job)) continue;
    read += 1;
    if (!matches) continue;
    matched += 1;
    if (isRevocable(certificate.value, app.clock.now())) revocable.push(certificate);
  }
  return { read, matched, revocable, position, ended: false };
}

/**
 * The job after `batch`, of which `revocable` could be revoked in the end. Where these are more than were approved, it
 * is stopped before them: of a batch nobody knows which were counted.
 */
function advanced(
  { position: _, ...job }: RevocationJobRecord,
  batch: Batch,
  revocable: readonly Stored<CertificateRecord>[],
  now: number,
): RevocationJobRecord {
  const revoked = job.revoked + revocable.length;
  if (job.state === "revoking" && revoked > certificatesOf(job.toRevoke))
    return { ...job, state: "stopped", endedAt: now };
  const unchanged = job.unchanged + batch.matched - revocable.length;
  const counted = { read: job.read + batch.read, unchanged };
  const going = batch.ended || batch.position === undefined ? {} : { position: batch.position };
  if (job.state === "counting") {
    const state = batch.ended ? ({ state: "counted", countedAt: now } as const) : {};
    const kinds = revocable.map(({ value }) => value.subjectKind);
    const found = {
      matched: job.matched + batch.matched,
      toRevoke: withSubjects(job.toRevoke, kinds),
    };
    return { ...job, ...counted, ...going, ...state, ...found };
  }
  const state = batch.ended ? ({ state: "done", endedAt: now } as const) : {};
  return { ...job, ...counted, ...going, ...state, revoked };
}

/** The writes of one revocation of the job, for good, whatever hold there is. */
async function writesOf(
  app: KeylessApp,
  job: RevocationJobRecord,
  certificate: Stored<CertificateRecord>,
): Promise<readonly WriteOperation[]> {
  const entry = await earlierEntry(app, certificate.value);
  return revocationWrites(app, certificate, { actor: jobActor(job), reason: job.reason, entry });
}

/** As they are now, for the index may lag; without those that somebody else has revoked. */
async function readAgain(
  app: KeylessApp,
  certificates: readonly Stored<CertificateRecord>[],
): Promise<readonly Stored<CertificateRecord>[]> {
  const now = app.clock.now();
  const found = await Promise.all(
    certificates.map(({ value }) => findCertificate(app, value.fleet, value.serialNumber)),
  );
  return found.filter(
    (each) => each !== undefined && isRevocable(each.value, now),
  ) as Stored<CertificateRecord>[];
}

async function tryBatch(
  app: KeylessApp,
  { value, version }: Stored<RevocationJobRecord>,
  batch: Batch,
  revocable: readonly Stored<CertificateRecord>[],
): Promise<Stored<RevocationJobRecord>> {
  const job = advanced(value, batch, revocable, app.clock.now());
  const { state } = job;
  const revokes = value.state === "revoking" && state !== "stopped";
  const writes = revokes
    ? await Promise.all(revocable.map((certificate) => writesOf(app, value, certificate)))
    : [];
  const isOver = state === "done" || state === "stopped";
  const end = isOver ? [jobEntry(app, job, "revocation-job.ended", jobActor(job), state)] : [];
  await app.items.transact([{ put: jobItem(job), when: version }, ...end, ...writes.flat()]);
  return { value: job, version: version + 1 };
}

/**
 * Writes the batch. Certificates that change meanwhile are read again, as often as it takes until `until`.
 * @returns The job as it is now; undefined when somebody else has changed it, and nothing of the batch is written.
 * @throws AppError store_unavailable; store_condition_failed: certificates kept changing until `until`.
 */
export async function writeBatch(
  app: KeylessApp,
  stored: Stored<RevocationJobRecord>,
  batch: Batch,
  until: number,
): Promise<Stored<RevocationJobRecord> | undefined> {
  let { revocable } = batch;
  for (;;) {
    try {
      return await tryBatch(app, stored, batch, revocable);
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
      if (error.failedOperations?.includes(0) !== false) return undefined;
      if (app.clock.now() >= until) throw error;
      revocable = await readAgain(app, revocable);
    }
  }
}
