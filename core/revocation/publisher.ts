/**
 * Room: core/revocation. One run over all fleets: signs and publishes every list that a revocation waits for or that is
 * due, and no other. Idempotent, and safe beside other runs; what one leaves undone, the next one does.
 */
import { type Fleet, getFleet, type Issuer } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import { publicationSchedules } from "../standard/revocation.ts";
import { type ListApp, type ListOutcome, publishList } from "./list.ts";
import { type ListWork, listsWithWork } from "./pending.ts";

export interface RevocationReport {
  /** Lists that were signed. */
  readonly published: number;
  /** Revocations, holds and releases with which a published list now agrees. */
  readonly entries: number;
  /** Lists that went, with the last of their certificates. */
  readonly withdrawn: number;
  /** Lists that could not be published; the next run tries again. */
  readonly failed: number;
  /** Revocations, holds and releases that still wait. */
  readonly pending: number;
  /** Since when the first of them does; 0 when none does. */
  readonly oldestPendingSeconds: number;
  /** How long the slowest of those that this run published had waited, from its change to its list; 0 for none. */
  readonly slowestSeconds: number;
}

export interface PublisherOptions {
  /** Milliseconds since the epoch after which no further list is begun; may come nearer meanwhile. @default without end */
  readonly until?: number;
}

/** Lists that are signed at the same time. A large one is in memory whole. */
const together = 4;

interface Tally {
  published: number;
  entries: number;
  withdrawn: number;
  failed: number;
  pending: number;
  oldest: number;
  slowest: number;
}

type FleetOf = (name: string) => Promise<Fleet>;

/** Each fleet is read once a run. */
function fleetReader(app: ListApp): FleetOf {
  const fleets = new Map<string, Promise<Fleet>>();
  return (name) => {
    const known = fleets.get(name) ?? getFleet(app, name);
    fleets.set(name, known);
    return known;
  };
}

function issuerOf(fleet: Fleet, authorityId: string): Issuer {
  // Any state: certificates of an authority that has retired are still relied on.
  const issuer = fleet.authorities.find(({ record }) => record.authorityId === authorityId);
  if (issuer === undefined)
    throw new AppError("authority_unavailable", `there is no authority "${authorityId}" to sign its list`);
  return issuer;
}

/** Undefined for what no run of ours signs: a root's list, a destroyed key's, and lists of a fleet that publishes nothing. */
async function workOn(app: ListApp, fleetOf: FleetOf, { name }: ListWork): Promise<ListOutcome | undefined> {
  const fleet = await fleetOf(name.fleet);
  const { artifactBases: bases = [] } = fleet.record;
  const issuer = issuerOf(fleet, name.authorityId);
  const { kind, state } = issuer.record;
  if (bases.length === 0 || kind === "root" || state === "destroyed") return undefined;
  const schedule = publicationSchedules.crl;
  return await publishList(app, { fleet: name.fleet, crlShard: name.crlShard, issuer, schedule, bases });
}

function count(tally: Tally, work: ListWork, outcome: ListOutcome | "failed" | "later"): void {
  if (typeof outcome === "object") {
    tally.entries += outcome.entries;
    tally.slowest = Math.max(tally.slowest, outcome.waited);
    if (outcome.kind !== "current") tally[outcome.kind] += 1;
    return;
  }
  if (outcome === "failed") tally.failed += 1;
  tally.pending += work.waiting;
  tally.oldest = Math.min(tally.oldest, work.since);
}

async function tryWork(app: ListApp, fleetOf: FleetOf, work: ListWork): Promise<ListOutcome | "failed"> {
  try {
    return (await workOn(app, fleetOf, work)) ?? { kind: "current", entries: 0, waited: 0 };
  } catch (error) {
    app.log.error("crl_not_published", { ...work.name, code: isAppError(error) ? error.code : "internal" });
    return "failed";
  }
}

/**
 * One list that fails keeps no other from being published.
 * @throws AppError store_unavailable when what is to be done cannot be listed.
 */
export async function publishRevocations(
  app: ListApp,
  options: PublisherOptions = {},
): Promise<RevocationReport> {
  const { lists, damaged } = await listsWithWork(app);
  const queue = [...lists];
  const fleetOf = fleetReader(app);
  const tally: Tally = {
    ...{ published: 0, entries: 0, withdrawn: 0, failed: damaged, pending: 0 },
    oldest: Number.POSITIVE_INFINITY,
    slowest: 0,
  };
  const worker = async (): Promise<void> => {
    for (let work = queue.shift(); work !== undefined; work = queue.shift()) {
      const { until = Number.POSITIVE_INFINITY } = options;
      count(tally, work, app.clock.now() < until ? await tryWork(app, fleetOf, work) : "later");
    }
  };
  await Promise.all(Array.from({ length: together }, worker));
  const { oldest, slowest, ...report } = tally;
  const waits = Math.max(0, app.clock.now() - Math.min(oldest, app.clock.now()));
  return {
    ...report,
    oldestPendingSeconds: Math.floor(waits / 1000),
    // Rounded up: 60.4 seconds are more than a minute.
    slowestSeconds: Math.ceil(slowest / 1000),
  };
}
