/**
 * Room: core/revocation. All certificates that a bulk revocation may be about, in an order that does not change while
 * it works: over the sixteen parts of the fleet by time of issue, or over the devices of a firmware and then theirs.
 * A walk begins anywhere, so that whoever takes over goes on where the last batch ended.
 */
import type { Item, ItemQuery, KeylessApp } from "../ports.ts";
import { acknowledgementRecord, firmwarePartition } from "../records/acknowledgement-record.ts";
import {
  type CertificateRecord,
  certificateRecord,
  issuePartition,
  type Stored,
  subjectPartition,
  timeKey,
} from "../records/certificate-record.ts";
import type { JobPosition, RevocationJobRecord } from "../records/revocation-job-record.ts";
import { shards } from "../records/shard.ts";
import { matchesCriteria } from "./criteria.ts";

/** One step of the walk. */
export interface Place {
  readonly position: JobPosition;
  /** Absent where a device has none that could match. */
  readonly certificate?: Stored<CertificateRecord>;
  readonly matches: boolean;
}

const pageItems = 250;

/** Earlier releases kept a certificate under the time of its intent: a day before its issue at most. */
const intentMilliseconds = 25 * 3_600_000;

/** The sort keys after `key`, of keys that end in a serial number: hexadecimal digits come after `!`. */
const after = (key: string): string => `${key}!`;

async function* itemsOf(app: KeylessApp, query: Omit<ItemQuery, "limit">): AsyncGenerator<readonly Item[]> {
  let cursor: string | undefined;
  do {
    const page = await app.items.query({
      ...query,
      limit: pageItems,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

interface Source {
  /** Its name in positions. */
  readonly source: string;
  readonly query: Pick<ItemQuery, "index" | "pk"> & { readonly from?: string; readonly to?: string };
}

/** Of one source, from `begin` on; a source without certificates is a place too. */
async function* walkSource(
  app: KeylessApp,
  { criteria, createdAt }: RevocationJobRecord,
  { source, query }: Source,
  begin: string | undefined,
): AsyncGenerator<Place> {
  const from = begin === undefined ? query.from : after(begin);
  const bounds = from === undefined ? query : { ...query, from };
  for await (const items of itemsOf(app, bounds)) {
    const certificates = items.map(certificateRecord);
    const matches = await Promise.all(
      certificates.map(({ value }) => matchesCriteria(app, value, criteria, createdAt)),
    );
    for (const [index, certificate] of certificates.entries()) {
      const place = items[index]?.indexes?.[bounds.index ?? "byIssue"]?.sk;
      const position = { source, ...(place === undefined ? {} : { after: place }) };
      yield { position, certificate, matches: matches[index] === true };
    }
  }
}

/** `from` above `to` is no query. */
function issueSource({ fleet, criteria }: RevocationJobRecord, shard: string): Source {
  const { issuedFrom = 0, issuedTo = 0 } = criteria;
  const from = timeKey(Math.max(0, issuedFrom - intentMilliseconds));
  const query = {
    index: "byIssue",
    pk: issuePartition(fleet, shard),
    from,
    to: `${timeKey(issuedTo)}$`,
  } as const;
  return { source: shard, query };
}

async function* walkIssue(app: KeylessApp, job: RevocationJobRecord): AsyncGenerator<Place> {
  const begin = job.position?.source ?? "";
  for (const shard of shards.filter((each) => each >= begin)) {
    yield* walkSource(app, job, issueSource(job, shard), shard === begin ? job.position?.after : undefined);
  }
}

async function* walkFirmware(
  app: KeylessApp,
  job: RevocationJobRecord,
  label: string,
): AsyncGenerator<Place> {
  const { fleet, position } = job;
  const pk = firmwarePartition(fleet, label);
  const bounds = position === undefined ? {} : { from: position.source };
  for await (const items of itemsOf(app, { index: "byDevice", pk, ...bounds })) {
    for (const { id, at, firmwareAt = at } of items.map((item) => acknowledgementRecord(item).value)) {
      // As with the time of issue: who says so after the job was made was not counted, and is never caught.
      if (firmwareAt > job.createdAt) continue;
      const query = { index: "byDevice", pk: subjectPartition(fleet, "device", id) } as const;
      const begin = position?.source === id ? position.after : undefined;
      yield* walkSource(app, job, { source: id, query }, begin);
      yield { position: { source: id, after: "~" }, matches: false };
    }
  }
}

/** Whether any device said last that it runs the firmware of this label. */
export async function isFirmwareKnown(app: KeylessApp, fleet: string, label: string): Promise<boolean> {
  const page = await app.items.query({ index: "byDevice", pk: firmwarePartition(fleet, label), limit: 1 });
  return page.items.length > 0;
}

/** From the job's position on. @throws AppError store_unavailable; internal when an item is damaged. */
export function walk(app: KeylessApp, job: RevocationJobRecord): AsyncGenerator<Place> {
  const { firmware } = job.criteria;
  return firmware === undefined ? walkIssue(app, job) : walkFirmware(app, job, firmware);
}
