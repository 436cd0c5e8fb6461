/** Room: core/rotation. What a run does with a server certificate at which it failed: it waits longer each time, and people are told. */
import { type ErrorCode, isAppError } from "../errors.ts";
import type { ServerApp } from "../ports.ts";
import type { ServerCertificateRecord } from "../records/server-certificate-record.ts";
import { findServerCertificate } from "./server-certificate.ts";
import { type StoredServerCertificate, writeServerCertificate } from "./server-lease.ts";

const firstPause = 300_000;
const longestPause = 6 * 3_600_000;
/** The service is busy, or another task is: worth no notice until it has lasted. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "certificate_manager_unavailable",
  "issuance_in_progress",
  "key_service_unavailable",
  "store_unavailable",
  "notifier_unavailable",
]);
const lastingFailures = 3;

export const codeOf = (error: unknown): ErrorCode => (isAppError(error) ? error.code : "internal");

/** A pause that doubles with every failure in a row. */
const pauseAfter = (failures: number): number => Math.min(firstPause * 2 ** (failures - 1), longestPause);

/** People are told once of a failure that will not pass by itself, or has not. */
async function tellFailure(
  app: ServerApp,
  { fleet, name }: ServerCertificateRecord,
  code: ErrorCode,
  failures: number,
): Promise<void> {
  if (failures !== (passing.has(code) ? lastingFailures : 1)) return;
  const measures = { failures };
  await app.notifier.notify({
    event: "server-certificate.failing",
    severity: "warning",
    fleet,
    subject: name,
    measures,
  });
}

/** Gives the lease back and says when to try again; failing here only costs the lease's time. */
export async function recordFailure(
  app: ServerApp,
  claimed: StoredServerCertificate,
  error: unknown,
): Promise<void> {
  const code = codeOf(error);
  const { fleet, name, leaseUntil } = claimed.value;
  app.log.warn("server_certificate_failed", { fleet, name, code });
  try {
    const latest = await findServerCertificate(app, claimed.value);
    if (latest === undefined || latest.value.leaseUntil !== leaseUntil) return;
    const failures = latest.value.failures + 1;
    await tellFailure(app, latest.value, code, failures);
    // One that is not due yet was only looked at.
    const nextAt = Math.max(latest.value.nextAt, app.clock.now() + pauseAfter(failures));
    await writeServerCertificate(app, latest, { failures, lastFailure: code, nextAt, leaseUntil: 0 });
  } catch (cause) {
    app.log.warn("server_certificate_failure_not_recorded", { fleet, name, code: codeOf(cause) });
  }
}
