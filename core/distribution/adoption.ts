/**
 * Room: core/distribution. How far a version of the trust has come in the field. Acknowledgements leave events; this
 * folds them into one record a fleet, a bounded number a run. No subject is ever looked at again.
 */
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { Item, KeylessApp } from "../ports.ts";
import {
  type AcknowledgementEvent,
  acknowledgedPartition,
  acknowledgementEvent,
} from "../records/acknowledgement-record.ts";
import {
  type AdoptionRecord,
  adoptionItem,
  adoptionKey,
  adoptionRecord,
  type VersionCount,
} from "../records/adoption-record.ts";
import { type Stored, timeKey } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import { shards } from "../records/shard.ts";
import { findPublication } from "./trust-version.ts";

/**
 * Milliseconds that an event lies back before it is counted. Its time was taken before it was committed, by a machine
 * with a clock of its own: a function lives for 30 s at most, clocks differ by 5 s, and what came later than its
 * successors would never be counted.
 */
export const commitLagMilliseconds = 120_000;
/** Events of one shard in one round, and of all shards in one run. */
const roundEvents = 250;
const runEvents = 20_000;
const roundMaximum = roundEvents * shards.length;

interface ShardEvents {
  readonly events: readonly AcknowledgementEvent[];
  /** Sort key of the last one; empty when the shard never had any. */
  readonly mark: string;
  /** Everything up to then was read; milliseconds since the epoch. */
  readonly readUntil: number;
}

async function shardEvents(
  app: KeylessApp,
  fleet: string,
  shard: string,
  mark: string,
  bound: number,
): Promise<ShardEvents> {
  const to = `${timeKey(bound)}$`;
  // A clock that runs behind the one that counted last has nothing to add.
  if (mark > to) return { events: [], mark, readUntil: bound };
  const items = await readItems(app, {
    pk: acknowledgedPartition(fleet, shard),
    ...(mark === "" ? {} : { from: mark }),
    to,
    // One more for the event at the mark: the bound is inclusive.
    limit: roundEvents + 1,
  });
  const fresh: readonly Item[] = items.filter(({ sk }) => sk !== mark);
  const events = fresh.map(acknowledgementEvent);
  const last = events.at(-1);
  const isWhole = items.length <= roundEvents;
  return {
    events,
    mark: fresh.at(-1)?.sk ?? mark,
    readUntil: isWhole || last === undefined ? bound : last.at - 1,
  };
}

type Counts = ReadonlyMap<number, Omit<VersionCount, "version">>;

function counted(counts: readonly VersionCount[], events: readonly AcknowledgementEvent[]): VersionCount[] {
  const versions = new Map<number, { devices: number; pipelines: number }>(
    counts.map(({ version, devices, pipelines }) => [version, { devices, pipelines }]),
  );
  const add = (version: number, kind: AcknowledgementEvent["kind"], amount: number): void => {
    const count = versions.get(version) ?? { devices: 0, pipelines: 0 };
    if (kind === "device") count.devices += amount;
    else count.pipelines += amount;
    versions.set(version, count);
  };
  for (const { kind, version, previous } of events) {
    add(version, kind, 1);
    if (previous !== undefined) add(previous, kind, -1);
  }
  return inOrder(versions);
}

function inOrder(versions: Counts): VersionCount[] {
  return [...versions]
    .filter(([, { devices, pipelines }]) => devices !== 0 || pipelines !== 0)
    .sort(([left], [right]) => left - right)
    .map(([version, count]) => ({ version, ...count }));
}

interface Round {
  readonly events: number;
  /** Nothing is left before the bound. */
  readonly ended: boolean;
}

async function findAdoption(app: KeylessApp, fleet: string): Promise<Stored<AdoptionRecord> | undefined> {
  const item = await app.items.get(adoptionKey(fleet));
  return item === undefined ? undefined : adoptionRecord(item);
}

async function foldRound(app: KeylessApp, fleet: string): Promise<Round> {
  const bound = app.clock.now() - commitLagMilliseconds;
  const stored = await findAdoption(app, fleet);
  const { marks, counts } = stored?.value ?? { marks: [], counts: [] };
  const read = await Promise.all(
    shards.map((shard, index) => shardEvents(app, fleet, shard, marks[index] ?? "", bound)),
  );
  const events = read.flatMap((shard) => shard.events);
  const record: AdoptionRecord = {
    fleet,
    asOf: Math.min(...read.map(({ readUntil }) => readUntil)),
    marks: read.map(({ mark }) => mark),
    counts: counted(counts, events),
  };
  await app.items.transact([{ put: adoptionItem(record), when: stored?.version ?? "absent" }]);
  return { events: events.length, ended: record.asOf === bound };
}

/**
 * Counts events that lie two minutes back or more, 20,000 at most. Safe beside others and after a kill: counts and marks
 * are one item, written on the condition that it is still the one that was read.
 * @param until Milliseconds since the epoch after which no round is begun.
 * @returns Events counted by this call.
 * @throws AppError store_unavailable.
 */
export async function foldAcknowledgements(app: KeylessApp, fleet: string, until: number): Promise<number> {
  let folded = 0;
  try {
    while (folded <= runEvents - roundMaximum && app.clock.now() < until) {
      const { events, ended } = await foldRound(app, fleet);
      folded += events;
      if (ended) break;
    }
  } catch (error) {
    // Another run counts the same at this very moment: it goes on.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
  return folded;
}

export interface TrustAdoption {
  /** The newest version that there is. */
  readonly version: number;
  /** ISO 8601, UTC: acknowledgements up to then are counted. */
  readonly asOf: string;
  /** Subjects that have acknowledged any version. */
  readonly devices: number;
  readonly pipelines: number;
  /** Those that somebody relies on, the newest first. */
  readonly versions: readonly VersionCount[];
}

/** Two reads, whatever the size of the fleet. @throws AppError not_found: the fleet has published nothing. */
export async function trustAdoption(
  app: KeylessApp,
  { fleet }: { readonly fleet: string },
): Promise<TrustAdoption> {
  const [publication, adoption] = await Promise.all([findPublication(app, fleet), findAdoption(app, fleet)]);
  if (publication === undefined)
    throw new AppError("not_found", `fleet "${fleet}" has published no trust manifest`);
  const counts = adoption?.value.counts ?? [];
  const sum = (kind: "devices" | "pipelines"): number =>
    counts.reduce((total, count) => total + count[kind], 0);
  return {
    version: publication.value.trustVersion,
    asOf: isoSeconds(adoption?.value.asOf ?? 0),
    devices: sum("devices"),
    pipelines: sum("pipelines"),
    versions: counts.toReversed(),
  };
}
