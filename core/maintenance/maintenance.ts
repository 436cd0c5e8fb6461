/**
 * Room: core/maintenance. One run of what needs no key and no caller: counts, notices of expiry, bulk revocations under
 * way, over all fleets. Idempotent, and safe beside other runs.
 */

import { foldAcknowledgements } from "../distribution/adoption.ts";
import { takeCensus } from "../distribution/census.ts";
import { tellExpiries } from "../distribution/expiry-notices.ts";
import { isAppError } from "../errors.ts";
import { allFleets } from "../fleets/directory.ts";
import type { Notifier, RevocationApp } from "../ports.ts";
import { type BulkOptions, continueJobs } from "../revocation/bulk-worker.ts";
import { watchRootLists } from "../revocation/root-watch.ts";

export interface MaintenanceApp extends RevocationApp {
  readonly notifier: Notifier;
}

export interface MaintenanceReport {
  /** Certificates and acknowledgements that were counted. */
  readonly counted: number;
  readonly notices: number;
  /** Certificates that bulk revocations have come to. */
  readonly revoked: number;
  readonly failed: number;
}

export interface MaintenanceOptions {
  /** Milliseconds since the epoch after which nothing new is begun; may come nearer meanwhile. @default without end */
  readonly until?: number;
  /** Logs a run that changed nothing too. @default false */
  readonly logEveryRun?: boolean;
}

/** One step that fails keeps no other from being done. */
async function attempt(app: MaintenanceApp, step: string, act: () => Promise<number>) {
  try {
    return { done: await act(), failed: 0 };
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    app.log.error("maintenance_failed", { step, code });
    return { done: 0, failed: 1 };
  }
}

const endOf = ({ until }: MaintenanceOptions): number => until ?? Number.POSITIVE_INFINITY;

/** Until then jobs may run: half of what is left, so that a long one keeps nothing else from being done. */
function forJobs(app: MaintenanceApp, options: MaintenanceOptions): BulkOptions {
  const [now, until] = [app.clock.now(), endOf(options)];
  const half = Number.isFinite(until) ? now + (until - now) / 2 : until;
  return {
    get until() {
      return Math.min(half, endOf(options));
    },
  };
}

/**
 * First the revocations, for which people wait.
 * @throws AppError store_unavailable when the fleets cannot be listed.
 */
export async function maintain(
  app: MaintenanceApp,
  options: MaintenanceOptions = {},
): Promise<MaintenanceReport> {
  const { logEveryRun = false } = options;
  const jobs = await attempt(
    app,
    "jobs",
    async () => (await continueJobs(app, forJobs(app, options))).revoked,
  );
  const report = { counted: 0, notices: 0, revoked: jobs.done, failed: jobs.failed };
  for (const fleet of await allFleets(app)) {
    const until = endOf(options);
    if (app.clock.now() >= until) break;
    const certificates = await attempt(app, "census", () => takeCensus(app, fleet, until));
    const devices = await attempt(app, "adoption", () => foldAcknowledgements(app, fleet, until));
    const notices = await attempt(app, "notices", () => tellExpiries(app, fleet, until));
    const lists = await attempt(app, "root-lists", () => watchRootLists(app, fleet));
    report.counted += certificates.done + devices.done;
    report.notices += notices.done + lists.done;
    report.failed += certificates.failed + devices.failed + notices.failed + lists.failed;
  }
  const changed = report.counted + report.notices + report.revoked + report.failed;
  if (logEveryRun || changed > 0) app.log.info("maintained", report);
  return report;
}
