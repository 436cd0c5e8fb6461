/**
 * Room: core/distribution. What was issued: one certificate, or all that a search asks for, page by page. A fleet's
 * list is merged from sixteen index partitions; nothing is scanned.
 */
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { certificatePem, chainPem, renewAfter } from "../enrollment/answer.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import { type CertificateRecord, certificateRecord } from "../records/certificate-record.ts";
import { type CertificateSummary, summaryOf } from "./certificate-summary.ts";
import { MergedRows } from "./merged-rows.ts";
import { type CertificateFilter, planSearch, type Search } from "./search.ts";
import { decodeSearchCursor, encodeSearchCursor } from "./search-cursor.ts";

export { type CertificateStatus, certificateStatuses } from "./certificate-status.ts";
export type { CertificateSummary } from "./certificate-summary.ts";
export type { CertificateFilter } from "./search.ts";

/** One certificate whole: `certificate` and `chain` in PEM, the chain without its root. */
export interface CertificateDetail extends CertificateSummary {
  readonly certificate: string;
  readonly chain: string;
  readonly renewAfter: string;
}

/** A search of one fleet's certificates. */
export interface ListRequest extends CertificateFilter {
  readonly fleet: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** From the previous page of the same search; the limit may differ. */
  readonly cursor?: string;
}

/** One page, in the order of the index that answers: see `listCertificates`. */
export interface CertificateList {
  readonly certificates: readonly CertificateSummary[];
  /** Present when there may be more. */
  readonly cursor?: string;
}

/** Rows that one page of a search reads, when it must look at them one by one; a few more where partitions are uneven. */
const maximumRead = 2_000;

interface Taken {
  readonly records: readonly CertificateRecord[];
  /** Place of the last row that was read; absent at the end. */
  readonly place?: string;
}

/** Up to `limit` wanted rows. A search that must look at rows one by one stops after `maximumRead` of them. */
async function takeRows(rows: MergedRows, { matches, isExact }: Search, limit: number): Promise<Taken> {
  const records: CertificateRecord[] = [];
  let place: string | undefined;
  while (records.length < limit) {
    if (!isExact && !rows.isReady && rows.read >= maximumRead && place !== undefined) {
      return { records, place };
    }
    const row = await rows.take();
    if (row === undefined) return { records };
    place = row.place;
    const record = certificateRecord(row.item).value;
    if (matches(record)) records.push(record);
  }
  const isEnd = place === undefined || (await rows.peek()) === undefined;
  return isEnd ? { records } : { records, place: place ?? "" };
}

/**
 * Searches one fleet. The order is that of the index which answers:
 * - `deviceId`: newest first;
 * - an expiry window, or status "expired": by the end of the certificates, the earliest first;
 * - status "revoked" or "held": by the time of revocation, the newest first;
 * - else: by the time of issue, the newest first.
 *
 * What the index does not say is looked at row by row, some 2,000 rows a page: such a page may be short, or empty, and
 * yet have a cursor. Only a missing cursor says that there is no more. Without such a condition every page but the last
 * is full. A cursor stays good while certificates are added: none that was there from the beginning is missed or shown
 * twice, unless its place changed meanwhile (it was revoked, or released). For the active certificates of an old fleet
 * give `expiresFrom` the present time: no expired one is looked at then.
 * @throws AppError not_found (no such fleet), cursor_invalid (of another search), request_invalid (limit, and see
 * `planSearch`), name_not_permitted (deviceId).
 */
export async function listCertificates(app: KeylessApp, request: ListRequest): Promise<CertificateList> {
  const { limit, cursor } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new AppError("request_invalid", `limit ${limit} is outside 1 to 1000; follow the cursor for more`);
  }
  const now = app.clock.now();
  const search = planSearch(await getFleet(app, request.fleet), request, now);
  const { identity, query } = search;
  const after = cursor === undefined ? {} : { after: decodeSearchCursor(identity, cursor) };
  const maximum = search.isExact ? Number.POSITIVE_INFINITY : maximumRead;
  const rows = new MergedRows(app, { ...query, ...after }, limit, maximum);
  const { records, place } = await takeRows(rows, search, limit);
  const certificates = records.map((record) => summaryOf(record, now));
  return place === undefined
    ? { certificates }
    : { certificates, cursor: encodeSearchCursor(identity, place) };
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
    ...summaryOf(record, app.clock.now()),
    certificate: certificatePem(record),
    chain: chainPem(fleet, record.authorityId),
    renewAfter: renewAfter(record),
  };
}
