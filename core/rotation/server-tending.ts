/**
 * Room: core/rotation. One run over the server certificates of all fleets: looks at each where it is held, issues and
 * imports what is due, takes away what is done with. Idempotent, and safe beside other runs: one import a generation.
 */
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { type ErrorCode, isAppError } from "../errors.ts";
import { allFleets } from "../fleets/directory.ts";
import type { ServerApp } from "../ports.ts";
import { readItems } from "../records/pages.ts";
import {
  type ServerCertificateRecord,
  serverCertificatePartition,
  serverCertificateRecord,
} from "../records/server-certificate-record.ts";
import { findServerCertificate } from "./server-certificate.ts";
import { watchEnd, watchServerCertificate } from "./server-drift.ts";
import { type StoredServerCertificate, takeServerLease, writeServerCertificate } from "./server-lease.ts";
import { renewServerCertificate } from "./server-renewal.ts";
import { renewAt, settlePending } from "./server-settlement.ts";
import { withdrawServerCertificate } from "./server-withdrawal.ts";

export interface ServerReport {
  /** Certificates that were signed. */
  readonly issued: number;
  /** Generations that came into their place. */
  readonly imported: number;
  readonly failed: number;
  /** Found deleted or replaced. */
  readonly drifted: number;
}

export interface ServerOptions {
  /** Milliseconds since the epoch after which nothing new is begun. @default without end */
  readonly until?: number;
}

type Tally = { -readonly [Member in keyof ServerReport]: number };

/** More than a fleet may have. */
const maximumCertificates = 2_000;
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

/** It was only looked at, and can be seen again: its renewal was not tried yet. */
const recovers = ({ failures, current, nextAt }: ServerCertificateRecord): boolean =>
  failures > 0 && current !== undefined && nextAt === renewAt(current);

const codeOf = (error: unknown): ErrorCode => (isAppError(error) ? error.code : "internal");

function isDue(app: ServerApp, { state, nextAt }: ServerCertificateRecord): boolean {
  return state !== "drifted" && state !== "rolledBack" && nextAt <= app.clock.now();
}

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
async function recordFailure(
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

/** The record with the lease taken: what is left undone is settled first. */
async function work(
  app: ServerApp,
  fleet: Fleet,
  claimed: StoredServerCertificate,
  tally: Tally,
): Promise<void> {
  const settled = await settlePending(app, claimed);
  if (settled.value.generation > claimed.value.generation) tally.imported += 1;
  if (settled.value.state === "removing") {
    await withdrawServerCertificate(app, settled);
    return;
  }
  // What was pending has come into its place, and that is all there was to do.
  if (settled.value.leaseUntil === 0) return;
  await renewServerCertificate(app, fleet, settled, tally);
  tally.imported += 1;
}

async function tendOne(
  app: ServerApp,
  fleet: Fleet,
  found: StoredServerCertificate,
  tally: Tally,
): Promise<void> {
  const { stored, drifted } = await watchServerCertificate(app, await watchEnd(app, found));
  tally.drifted += drifted;
  if (!isDue(app, stored.value)) {
    if (recovers(stored.value))
      await writeServerCertificate(app, stored, { failures: 0, lastFailure: undefined });
    return;
  }
  const claimed = await takeServerLease(app, stored);
  if (claimed === undefined) return;
  try {
    await work(app, fleet, claimed, tally);
  } catch (error) {
    // Somebody else has written: what there is to do is theirs, or the next run's.
    if (isAppError(error, "store_condition_failed")) return;
    tally.failed += 1;
    await recordFailure(app, claimed, error);
  }
}

/** The record as it is now: the list may be minutes old. */
async function tendNamed(
  app: ServerApp,
  fleet: Fleet,
  record: ServerCertificateRecord,
  tally: Tally,
): Promise<void> {
  const found = await findServerCertificate(app, record);
  if (found === undefined) return;
  try {
    await tendOne(app, fleet, found, tally);
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return;
    tally.failed += 1;
    await recordFailure(app, found, error);
  }
}

async function tendFleet(app: ServerApp, name: string, until: number, tally: Tally): Promise<void> {
  const query = { pk: serverCertificatePartition(name), limit: maximumCertificates };
  const listed = (await readItems(app, query)).map((item) => serverCertificateRecord(item).value);
  if (listed.length === 0) return;
  const fleet = await getFleet(app, name);
  for (const record of listed.sort((left, right) => left.nextAt - right.nextAt)) {
    if (app.clock.now() >= until) return;
    await tendNamed(app, fleet, record, tally);
  }
}

/**
 * One failure keeps nothing else from being done; it is tried again after a pause that grows, up to six hours.
 * @throws AppError store_unavailable when the fleets cannot be listed.
 */
export async function tendServerCertificates(
  app: ServerApp,
  options: ServerOptions = {},
): Promise<ServerReport> {
  const { until = Number.POSITIVE_INFINITY } = options;
  const tally: Tally = { issued: 0, imported: 0, failed: 0, drifted: 0 };
  for (const fleet of await allFleets(app)) {
    if (app.clock.now() >= until) break;
    try {
      await tendFleet(app, fleet, until, tally);
    } catch (error) {
      tally.failed += 1;
      app.log.error("server_certificates_failed", { fleet, code: codeOf(error) });
    }
  }
  return tally;
}
