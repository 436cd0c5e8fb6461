/**
 * Room: core/rotation. One run over the server certificates of all fleets: looks at each where it is held, issues and
 * imports what is due, takes away what is done with. Idempotent, and safe beside other runs: one import a generation.
 */
import { getFleet } from "../authority/issuer.ts";
import { type ErrorCode, isAppError } from "../errors.ts";
import { allFleets } from "../fleets/directory.ts";
import type { ServerApp } from "../ports.ts";
import type { ServerCertificateRecord } from "../records/server-certificate-record.ts";
import { findServerCertificate } from "./server-certificate.ts";
import { watchEnd, watchServerCertificate } from "./server-drift.ts";
import { codeOf, recordFailure } from "./server-failure.ts";
import { type StoredServerCertificate, takeServerLease, writeServerCertificate } from "./server-lease.ts";
import { renewServerCertificate } from "./server-renewal.ts";
import { type FleetServers, isDue, isUrgent, serversOf, type Visit, visits } from "./server-round.ts";
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

/** In a row: the service is out of reach for whatever follows, and is asked again by the next run. */
const patientFailures = 5;

/** It was only looked at, and can be seen again: its renewal was not tried yet. */
const recovers = ({ failures, current, nextAt }: ServerCertificateRecord): boolean =>
  failures > 0 && current !== undefined && nextAt === renewAt(current);

/** The record with the lease taken: what is left undone is settled first. */
async function work(app: ServerApp, claimed: StoredServerCertificate, tally: Tally): Promise<void> {
  const settled = await settlePending(app, claimed);
  if (settled.value.generation > claimed.value.generation) tally.imported += 1;
  if (settled.value.state === "removing") {
    await withdrawServerCertificate(app, settled);
    return;
  }
  // What was pending has come into its place, and that is all there was to do.
  if (settled.value.leaseUntil === 0) return;
  // The fleet as it is now: a long run outlives a suspension, a change of names, and an authority.
  await renewServerCertificate(app, await getFleet(app, settled.value.fleet), settled, tally);
  tally.imported += 1;
}

/** The code of what went wrong; undefined when nothing did, or somebody else is at it. */
async function tendOne(
  app: ServerApp,
  found: StoredServerCertificate,
  lost: Visit["lost"],
  tally: Tally,
): Promise<ErrorCode | undefined> {
  const looked = await watchServerCertificate(app, await watchEnd(app, found));
  tally.drifted += looked.drifted;
  const now = app.clock.now();
  const stored = (await isUrgent(app, { record: looked.stored.value, lost }))
    ? await writeServerCertificate(app, looked.stored, { nextAt: now })
    : looked.stored;
  if (!isDue(stored.value, now)) {
    if (recovers(stored.value))
      await writeServerCertificate(app, stored, { failures: 0, lastFailure: undefined });
    return undefined;
  }
  const claimed = await takeServerLease(app, stored);
  if (claimed === undefined) return undefined;
  return attempt(app, claimed, tally, async () => {
    await work(app, claimed, tally);
    return undefined;
  });
}

/** A failure is counted and written down; it stops nothing else. */
async function attempt(
  app: ServerApp,
  stored: StoredServerCertificate,
  tally: Tally,
  act: () => Promise<ErrorCode | undefined>,
): Promise<ErrorCode | undefined> {
  try {
    return await act();
  } catch (error) {
    // Somebody else has written: what there is to do is theirs, or the next run's.
    if (isAppError(error, "store_condition_failed")) return undefined;
    tally.failed += 1;
    await recordFailure(app, stored, error);
    return codeOf(error);
  }
}

/** The record as it is now: the list may be minutes old. */
async function tendNamed(
  app: ServerApp,
  { record, lost }: Visit,
  tally: Tally,
): Promise<ErrorCode | undefined> {
  const found = await findServerCertificate(app, record);
  if (found === undefined) return undefined;
  return attempt(app, found, tally, () => tendOne(app, found, lost, tally));
}

async function listServers(app: ServerApp, tally: Tally): Promise<readonly FleetServers[]> {
  const servers: FleetServers[] = [];
  for (const fleet of await allFleets(app)) {
    try {
      const listed = await serversOf(app, fleet);
      if (listed !== undefined) servers.push(listed);
    } catch (error) {
      tally.failed += 1;
      app.log.error("server_certificates_failed", { fleet, code: codeOf(error) });
    }
  }
  return servers;
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
  const servers = await listServers(app, tally);
  const first = Buffer.from(app.entropy.bytes(4)).readUInt32BE();
  let outOfReach = 0;
  for (const visit of visits(servers, app.clock.now(), first)) {
    if (app.clock.now() >= until) break;
    const code = await tendNamed(app, visit, tally);
    outOfReach = code === "certificate_manager_unavailable" ? outOfReach + 1 : 0;
    if (outOfReach < patientFailures) continue;
    app.log.warn("server_certificates_left", { code: "certificate_manager_unavailable" });
    break;
  }
  return tally;
}
