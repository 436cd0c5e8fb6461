/**
 * Room: core/distribution. What was issued: one certificate, one device's, or all of a fleet, newest first.
 * A fleet's list is merged from sixteen index partitions; nothing is scanned.
 */
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { certificatePem, chainPem, isoSeconds, renewAfter } from "../enrollment/answer.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError } from "../errors.ts";
import type { ItemQuery, KeylessApp } from "../ports.ts";
import {
  type CertificateRecord,
  certificateRecord,
  issuePartition,
  type SubjectKind,
  subjectPartition,
  timeKey,
} from "../records/certificate-record.ts";
import { shards } from "../records/shard.ts";
import type { ProfileId } from "../standard/profiles.ts";

/** One row of the inventory. */
export interface CertificateSummary {
  readonly serialNumber: string;
  readonly subjectKind: SubjectKind;
  readonly subjectId: string;
  readonly profile: ProfileId;
  readonly authorityId: string;
  readonly status: "active" | "revoked" | "expired";
  readonly keyAlgorithm: string;
  /** ISO 8601, UTC, as all times here. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly issuedAt: string;
  readonly revokedAt?: string;
  readonly revocationReason?: string;
}

/** One certificate whole: `certificate` and `chain` in PEM, the chain without its root. */
export interface CertificateDetail extends CertificateSummary {
  readonly certificate: string;
  readonly chain: string;
  readonly renewAfter: string;
}

/** All certificates of a fleet, or with `deviceId` those of one device. */
export interface ListRequest {
  readonly fleet: string;
  readonly deviceId?: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** From the previous page. */
  readonly cursor?: string;
}

/** One page, newest first. */
export interface CertificateList {
  readonly certificates: readonly CertificateSummary[];
  /** Present when there is more. */
  readonly cursor?: string;
}

function statusOf(record: CertificateRecord, now: number): CertificateSummary["status"] {
  if (record.state === "revoked") return "revoked";
  return record.notAfter < now ? "expired" : "active";
}

function summary(record: CertificateRecord, now: number): CertificateSummary {
  const { revokedAt, revocationReason } = record;
  return {
    serialNumber: record.serialNumber,
    subjectKind: record.subjectKind,
    subjectId: record.subjectId,
    profile: record.profile,
    authorityId: record.authorityId,
    status: statusOf(record, now),
    keyAlgorithm: record.keyAlgorithm,
    notBefore: isoSeconds(record.notBefore),
    notAfter: isoSeconds(record.notAfter),
    issuedAt: isoSeconds(record.issuedAt ?? record.createdAt),
    ...(revokedAt === undefined ? {} : { revokedAt: isoSeconds(revokedAt) }),
    ...(revocationReason === undefined ? {} : { revocationReason }),
  };
}

/** A cursor is the position of the last row in the one order that all partitions share: time, then serial. */
const position = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z)#([0-9a-f]{2,40})$/;

function encodeCursor(place: string): string {
  return Buffer.from(place, "latin1").toString("base64url");
}

function decodeCursor(cursor: string): string {
  const place = Buffer.from(cursor, "base64url").toString("latin1");
  if (encodeCursor(place) !== cursor || !position.test(place)) {
    throw new AppError("cursor_invalid", "the cursor is not one that this list gave; start without one");
  }
  return place;
}

const placeOf = (record: CertificateRecord): string => `${timeKey(record.createdAt)}#${record.serialNumber}`;

function partitions(request: ListRequest): readonly Partition[] {
  const { fleet, deviceId } = request;
  if (deviceId !== undefined) return [{ index: "byDevice", pk: subjectPartition(fleet, "device", deviceId) }];
  return shards.map((shard) => ({ index: "byIssue", pk: issuePartition(fleet, shard) }));
}

type Partition = Pick<ItemQuery, "index" | "pk">;

interface Placed {
  readonly record: CertificateRecord;
  readonly place: string;
}

/** One partition, newest first, read in small pages: of most partitions only the first few rows are wanted. */
class PartitionReader {
  readonly #app: KeylessApp;
  readonly #query: ItemQuery;
  readonly #after: string | undefined;
  #rows: Placed[] = [];
  #cursor: string | undefined;
  #more = true;

  constructor(app: KeylessApp, partition: Partition, after: string | undefined, page: number) {
    this.#app = app;
    this.#after = after;
    const query: ItemQuery = { ...partition, limit: page, descending: true };
    this.#query = after === undefined ? query : { ...query, to: after };
  }

  get first(): Placed | undefined {
    return this.#rows[0];
  }

  takeFirst(): void {
    this.#rows.shift();
  }

  /** Reads on until there is a first row or the partition is at its end. */
  async fill(): Promise<void> {
    while (this.#rows.length === 0 && this.#more) {
      const cursor = this.#cursor;
      const page = await this.#app.items.query(
        cursor === undefined ? this.#query : { ...this.#query, cursor },
      );
      this.#cursor = page.cursor;
      this.#more = page.cursor !== undefined;
      const records = page.items.map((item) => certificateRecord(item).value);
      const rows = records.map((record) => ({ record, place: placeOf(record) }));
      // The bound is inclusive, and the row at the cursor has been shown.
      this.#rows = rows.filter(({ place }) => place !== this.#after);
    }
  }
}

/** Up to `count` rows of all partitions, newest first. */
async function merge(readers: readonly PartitionReader[], count: number): Promise<readonly Placed[]> {
  const merged: Placed[] = [];
  await Promise.all(readers.map((reader) => reader.fill()));
  while (merged.length < count) {
    let newest: PartitionReader | undefined;
    for (const reader of readers) {
      if (
        reader.first !== undefined &&
        (newest?.first === undefined || reader.first.place > newest.first.place)
      ) {
        newest = reader;
      }
    }
    if (newest?.first === undefined) break;
    merged.push(newest.first);
    newest.takeFirst();
    if (newest.first === undefined) await newest.fill();
  }
  return merged;
}

/** @throws AppError not_found (no such fleet), cursor_invalid, request_invalid (limit). */
export async function listCertificates(app: KeylessApp, request: ListRequest): Promise<CertificateList> {
  const { limit } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new AppError("request_invalid", `limit ${limit} is outside 1 to 1000; follow the cursor for more`);
  }
  const after = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
  await getFleet(app, request.fleet);
  const sources = partitions(request);
  // Twice its share, and the row at the cursor: few partitions need a second page.
  const page = Math.min(1000, Math.ceil((2 * limit) / sources.length) + 2);
  const readers = sources.map((partition) => new PartitionReader(app, partition, after, page));
  const rows = await merge(readers, limit + 1);
  const shown = rows.slice(0, limit);
  const now = app.clock.now();
  const certificates = shown.map(({ record }) => summary(record, now));
  const last = shown[shown.length - 1];
  return rows.length > limit && last !== undefined
    ? { certificates, cursor: encodeCursor(last.place) }
    : { certificates };
}

/** An intent is not a certificate yet, so it is not found. @throws AppError not_found. */
async function getIssuedRecord(
  app: KeylessApp,
  fleet: string,
  serialNumber: string,
): Promise<CertificateRecord> {
  const stored = await findCertificate(app, fleet, serialNumber);
  if (stored === undefined || stored.value.certificate === undefined) {
    throw new AppError("not_found", `there is no certificate ${serialNumber} in fleet "${fleet}"`);
  }
  return stored.value;
}

/** @throws AppError not_found. */
export async function getCertificate(
  app: KeylessApp,
  request: { readonly fleet: string; readonly serialNumber: string },
): Promise<CertificateDetail> {
  const [fleet, record]: [Fleet, CertificateRecord] = await Promise.all([
    getFleet(app, request.fleet),
    getIssuedRecord(app, request.fleet, request.serialNumber),
  ]);
  return {
    ...summary(record, app.clock.now()),
    certificate: certificatePem(record),
    chain: chainPem(fleet, record.authorityId),
    renewAfter: renewAfter(record),
  };
}
