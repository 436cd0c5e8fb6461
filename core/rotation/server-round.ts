/**
 * Room: core/rotation. Which certificates a run looks at, in which order: what is due comes first, and fleets take turns,
 * so that one with a thousand of them, or with a failing one, keeps no other waiting.
 */
import { findCertificate } from "../enrollment/intent.ts";
import type { ServerApp } from "../ports.ts";
import { readItems } from "../records/pages.ts";
import {
  isRemoved,
  type ServerCertificateRecord,
  type ServerGeneration,
  serverCertificatePartition,
  serverCertificateRecord,
} from "../records/server-certificate-record.ts";
import { allRollovers } from "./rollover-store.ts";
import { renewAt } from "./server-settlement.ts";

/** More than a fleet may have, with those that were removed and are there still. */
const maximumItems = 5_000;

/** What a fleet has, as it was when the run began. */
export interface FleetServers {
  readonly fleet: string;
  readonly records: readonly ServerCertificateRecord[];
  /** Authorities that were replaced because their key was lost. */
  readonly lost: ReadonlySet<string>;
}

async function lostAuthorities(app: ServerApp, fleet: string): Promise<ReadonlySet<string>> {
  const rollovers = (await allRollovers(app, fleet)).map(({ value }) => value);
  const lost = rollovers.filter(
    ({ kind, emergency, state, activatedAt }) =>
      kind === "issuing" && emergency && state !== "rolledBack" && activatedAt !== undefined,
  );
  return new Set(lost.map(({ fromId }) => fromId));
}

/** Undefined where it has none. @throws AppError store_unavailable. */
export async function serversOf(app: ServerApp, fleet: string): Promise<FleetServers | undefined> {
  const items = await readItems(app, { pk: serverCertificatePartition(fleet), limit: maximumItems });
  const records = items.flatMap((item) => (isRemoved(item) ? [] : [serverCertificateRecord(item).value]));
  if (records.length === 0) return undefined;
  return { fleet, records, lost: await lostAuthorities(app, fleet) };
}

/** What is held, while it waits for its time; undefined where a try has failed, which waits for the next one. */
function waiting({ state, current, nextAt }: ServerCertificateRecord): ServerGeneration | undefined {
  if (current === undefined || (state !== "current" && state !== "requested")) return undefined;
  return nextAt === renewAt(current) ? current : undefined;
}

/** Whether its issuer's key may be another's. */
function isEndangered(record: ServerCertificateRecord, lost: ReadonlySet<string>): boolean {
  const current = waiting(record);
  return current !== undefined && lost.has(current.authorityId);
}

/** Reasons of a revocation for which another certificate is wanted. */
const replacing: readonly (string | undefined)[] = ["keyCompromise", "superseded"];

/** Whether its renewal is not to wait for its time: its issuer is lost, or people have revoked it. One read. */
export async function isUrgent(app: ServerApp, { record, lost }: Visit): Promise<boolean> {
  if (isEndangered(record, lost)) return true;
  const current = waiting(record);
  if (current === undefined) return false;
  const found = await findCertificate(app, record.fleet, current.serialNumber);
  return found?.value.state === "revoked" && replacing.includes(found.value.revocationReason);
}

export function isDue({ state, nextAt }: ServerCertificateRecord, now: number): boolean {
  return state !== "drifted" && state !== "rolledBack" && nextAt <= now;
}

export interface Visit {
  readonly record: ServerCertificateRecord;
  readonly lost: ReadonlySet<string>;
}

/** The first of each, the second of each, and so on. */
function taken<Value>(lists: readonly (readonly Value[])[]): readonly Value[] {
  const longest = lists.reduce((most, { length }) => Math.max(most, length), 0);
  const turns = Array.from({ length: longest }, (_, at) => at);
  return turns.flatMap((at) => lists.flatMap((list) => list.slice(at, at + 1)));
}

const from = <Value>(list: readonly Value[], first: number): readonly Value[] => {
  const at = list.length === 0 ? 0 : first % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
};

/**
 * @param now Milliseconds since the epoch.
 * @param first Where to begin with what is only looked at; another one each time, so that what a short run does not
 * reach, the next ones do.
 */
export function visits(servers: readonly FleetServers[], now: number, first: number): readonly Visit[] {
  const lists = servers.map(({ records, lost }) => {
    const urgent = (record: ServerCertificateRecord) => isDue(record, now) || isEndangered(record, lost);
    const visit = (record: ServerCertificateRecord): Visit => ({ record, lost });
    const due = records.filter(urgent).sort((left, right) => left.nextAt - right.nextAt);
    const rest = records.filter((record) => !urgent(record));
    return { due: due.map(visit), rest: from(rest.map(visit), first) };
  });
  return [...taken(lists.map(({ due }) => due)), ...taken(from(lists, first).map(({ rest }) => rest))];
}
