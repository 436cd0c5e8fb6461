/**
 * Room: core/rotation. One task at a time works on a server certificate. Its lease stands in the record, and every
 * write is conditioned on the record's version: whoever outlives its lease writes and issues nothing more.
 */
import { clockSkewMilliseconds } from "../clock-skew.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type ServerCertificateRecord, serverCertificateItem } from "../records/server-certificate-record.ts";

export type StoredServerCertificate = Stored<ServerCertificateRecord>;

/** Longer than a key, a signature and two imports take, retries of the services included. */
export const serverLeaseMilliseconds = 120_000;
/** Nothing is imported that might come to its end after the lease. */
const importMilliseconds = 20_000;

/** A lease that ends much later than one taken now was written by a clock that ran ahead: nobody waits for it. */
export function isTended(app: KeylessApp, { leaseUntil }: ServerCertificateRecord): boolean {
  const now = app.clock.now();
  return leaseUntil > now && leaseUntil <= now + serverLeaseMilliseconds + clockSkewMilliseconds;
}

/** @throws AppError issuance_in_progress. */
export function assertAtRest(app: KeylessApp, record: ServerCertificateRecord): void {
  if (!isTended(app, record)) return;
  throw new AppError(
    "issuance_in_progress",
    `server certificate "${record.name}" is being renewed; try again`,
    {
      retryAfter: Math.ceil((record.leaseUntil - app.clock.now()) / 1000),
    },
  );
}

/** @throws AppError issuance_in_progress: another task may take the record before an import is over. */
export function assertLeaseLasts(app: KeylessApp, { name, leaseUntil }: ServerCertificateRecord): void {
  if (app.clock.now() + importMilliseconds <= leaseUntil) return;
  throw new AppError("issuance_in_progress", `the work on server certificate "${name}" took too long`);
}

/** @throws AppError store_condition_failed: somebody wrote first. */
export async function writeServerCertificate(
  app: KeylessApp,
  stored: StoredServerCertificate,
  change: Partial<{ [Member in keyof ServerCertificateRecord]: ServerCertificateRecord[Member] | undefined }>,
  alongside: readonly WriteOperation[] = [],
): Promise<StoredServerCertificate> {
  const value = { ...stored.value, ...change } as ServerCertificateRecord;
  await app.items.transact([{ put: serverCertificateItem(value), when: stored.version }, ...alongside]);
  return { value, version: stored.version + 1 };
}

/** Undefined when another task has it, or was faster. */
export async function takeServerLease(
  app: KeylessApp,
  stored: StoredServerCertificate,
): Promise<StoredServerCertificate | undefined> {
  if (isTended(app, stored.value)) return undefined;
  try {
    const leaseUntil = app.clock.now() + serverLeaseMilliseconds;
    return await writeServerCertificate(app, stored, { leaseUntil });
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return undefined;
    throw error;
  }
}
