/**
 * Room: core/publication. One run of everything that is signed for others to rely on: lists of revoked certificates,
 * responders' certificates, trust manifests, over all fleets. Idempotent, and safe beside other runs.
 */
import { getFleet } from "../authority/issuer.ts";
import { publishTrust } from "../distribution/trust-publication.ts";
import { isAppError } from "../errors.ts";
import { allFleets } from "../fleets/directory.ts";
import { tendResponders } from "../ocsp/responder.ts";
import type { PublisherApp } from "../ports.ts";
import { publishRevocations, type RevocationReport } from "../revocation/publisher.ts";
import { tendShards } from "../revocation/shards.ts";

export interface PublicationReport extends RevocationReport {
  /** Trust manifests and responders' certificates that were made. */
  readonly manifests: number;
  readonly responders: number;
}

export interface PublicationOptions {
  /** Milliseconds since the epoch after which nothing new is begun; may come nearer meanwhile. @default without end */
  readonly until?: number;
  /** Logs a run that changed nothing too, so that a filter has a measure of every run. @default false */
  readonly logEveryRun?: boolean;
}

interface Tended {
  lists: number;
  manifests: number;
  responders: number;
  failed: number;
}

async function attempt(app: PublisherApp, fleet: string, step: string, act: () => Promise<number>) {
  try {
    return { done: await act(), failed: 0 };
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    app.log.error("publication_failed", { fleet, step, code });
    return { done: 0, failed: 1 };
  }
}

/** What a fleet needs ahead of time. One step that fails keeps no other from being done. */
async function tendFleet(app: PublisherApp, name: string): Promise<Tended> {
  const fleet = () => getFleet(app, name);
  const shards = await attempt(app, name, "shards", async () => tendShards(app, await fleet()));
  const responders = await attempt(app, name, "responders", async () => tendResponders(app, await fleet()));
  const manifests = await attempt(app, name, "trust", async () =>
    (await publishTrust(app, name)) === "published" ? 1 : 0,
  );
  return {
    lists: shards.done,
    manifests: manifests.done,
    responders: responders.done,
    failed: shards.failed + responders.failed + manifests.failed,
  };
}

async function tendFleets(app: PublisherApp, options: PublicationOptions): Promise<Tended> {
  const all: Tended = { lists: 0, manifests: 0, responders: 0, failed: 0 };
  for (const name of await allFleets(app)) {
    const { until = Number.POSITIVE_INFINITY } = options;
    if (app.clock.now() >= until) break;
    const tended = await tendFleet(app, name);
    all.lists += tended.lists;
    all.manifests += tended.manifests;
    all.responders += tended.responders;
    all.failed += tended.failed;
  }
  return all;
}

/**
 * First what was revoked, then what is due: people wait for the one, nobody for the other.
 * @throws AppError store_unavailable when what is to be done cannot be listed.
 */
export async function publishEverything(
  app: PublisherApp,
  options: PublicationOptions = {},
): Promise<PublicationReport> {
  const { logEveryRun = false } = options;
  const first = await publishRevocations(app, options);
  const tended = await tendFleets(app, options);
  // New lists are due at once; without any there is nothing to look for again.
  const second = tended.lists > 0 ? await publishRevocations(app, options) : undefined;
  const last = second ?? first;
  const report: PublicationReport = {
    ...last,
    published: first.published + (second?.published ?? 0),
    entries: first.entries + (second?.entries ?? 0),
    slowestSeconds: Math.max(first.slowestSeconds, last.slowestSeconds),
    withdrawn: first.withdrawn + (second?.withdrawn ?? 0),
    failed: last.failed + tended.failed,
    manifests: tended.manifests,
    responders: tended.responders,
  };
  const changed = report.published + report.withdrawn + report.failed + report.manifests + report.responders;
  if (logEveryRun || changed > 0) app.log.info("published", { ...report });
  return report;
}
