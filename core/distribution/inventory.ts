/**
 * Room: core/distribution. What was issued: one certificate, one device's, or all of a fleet, newest first.
 * A fleet's list is merged from sixteen index partitions; nothing is scanned.
 */
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { certificatePem, chainPem, isoSeconds, renewAfter } from "../enrollment/answer.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError } from "../errors.ts";
import type { App, ItemQuery } from "../ports.ts";
import {
  type CertificateRecord,
  certificateRecord,
  issuePartition,
  type SubjectKind,
  subjectPartition,
  timeKey,
} from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import { shards } from "../records/shard.ts";
import type { ProfileId } from "../standard/profiles.ts";

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

export interface CertificateDetail extends CertificateSummary {
  readonly certificate: string;
  readonly chain: string;
  readonly renewAfter: string;
}

export interface ListRequest {
  readonly fleet: string;
  readonly deviceId?: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** From the previous page. */
  readonly cursor?: string;
}

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

function partitions(request: ListRequest): readonly Pick<ItemQuery, "index" | "pk">[] {
  const { fleet, deviceId } = request;
  if (deviceId !== undefined) return [{ index: "byDevice", pk: subjectPartition(fleet, "device", deviceId) }];
  return shards.map((shard) => ({ index: "byIssue", pk: issuePartition(fleet, shard) }));
}

/** A store's page is 1,000 items; the row at the cursor and one more than the page are read along. */
const longestPage = 998;

/** Up to `limit` + 1 records of one partition after `place`, newest first. */
async function readPartition(
  app: App,
  partition: Pick<ItemQuery, "index" | "pk">,
  limit: number,
  place: string | undefined,
): Promise<readonly CertificateRecord[]> {
  const query: ItemQuery = { ...partition, limit: limit + 2, descending: true };
  const items = await readItems(app, place === undefined ? query : { ...query, to: place });
  const records = items.map((item) => certificateRecord(item).value);
  // The bound is inclusive, and the row at the cursor has been shown.
  return records.filter((record) => placeOf(record) !== place);
}

/**
 * A page may be shorter than asked for; there is more as long as it has a cursor.
 * @throws AppError not_found (no such fleet), cursor_invalid, request_invalid (limit).
 */
export async function listCertificates(app: App, request: ListRequest): Promise<CertificateList> {
  if (!Number.isInteger(request.limit) || request.limit < 1 || request.limit > 1000) {
    throw new AppError(
      "request_invalid",
      `limit ${request.limit} is outside 1 to 1000; follow the cursor for more`,
    );
  }
  const limit = Math.min(request.limit, longestPage);
  const place = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
  await getFleet(app, request.fleet);
  const found = await Promise.all(
    partitions(request).map((partition) => readPartition(app, partition, limit, place)),
  );
  const ordered = found
    .flat()
    .map((record) => ({ record, place: placeOf(record) }))
    .sort((a, b) => (a.place < b.place ? 1 : a.place > b.place ? -1 : 0));
  const page = ordered.slice(0, limit);
  const now = app.clock.now();
  const certificates = page.map(({ record }) => summary(record, now));
  const last = page[page.length - 1];
  return ordered.length > limit && last !== undefined
    ? { certificates, cursor: encodeCursor(last.place) }
    : { certificates };
}

/** An intent is not a certificate yet, so it is not found. @throws AppError not_found. */
export async function getIssuedRecord(
  app: App,
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
  app: App,
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
