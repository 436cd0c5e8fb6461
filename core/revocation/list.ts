/**
 * Room: core/revocation. One list from its entries to its readers. The object is read before the entries, and replaced
 * only while it is the very one that was read: whatever readers see later is newer. A kill at any point leaves the
 * last good list, and entries that say that they wait.
 */
import type { Issuer } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import {
  encodeCertificateList,
  encodeTbsCertList,
  type RevokedCertificate,
  readCrlNumber,
} from "../formats/crl/certificate-list.ts";
import { verifySignature } from "../formats/signature.ts";
import { decodedExtension } from "../formats/x509/extension.ts";
import { subjectKeyIdentifier } from "../formats/x509/extensions/index.ts";
import type { App, ObjectStore, StoredObject } from "../ports.ts";
import type { CrlRecord } from "../records/crl-record.ts";
import { revocationStandard, type Schedule } from "../standard/revocation.ts";
import { isPending, type ListName, markPublished, readEntries, type StoredEntry } from "./list-entries.ts";
import {
  changeListRecord,
  findListRecord,
  newListRecord,
  placesDigest,
  recordPublished,
  takeNumber,
} from "./list-record.ts";
import { shardRetirement, shardWindow } from "./shard.ts";
import { crlObjectKey, crlPath } from "./status-places.ts";

/** What publishes lists: it signs, and writes what anyone may read. */
export interface ListApp extends App {
  readonly artifacts: ObjectStore;
}

export interface ListRequest {
  readonly fleet: string;
  readonly issuer: Issuer;
  readonly crlShard: string;
  readonly schedule: Schedule;
  /** Where the fleet's artefacts are found, all such places; the list names itself by them, unless it is complete. */
  readonly bases: readonly string[];
}

export interface ListOutcome {
  /** current: what is published agrees with all entries, and is not due. */
  readonly kind: "published" | "current" | "withdrawn";
  /** With which a published list now agrees, and none did before. */
  readonly entries: number;
  /** Milliseconds from the change of the first of them to the list; 0 for none, and where no list is any more. */
  readonly waited: number;
}

/** Each lost race means that another publisher's list is there. */
const attempts = 50;

/** Of which people are told: a function's answer holds 4,500,000, so that shorter windows are due before it does not. */
export const largeListOctets = 4_000_000;

/** RFC 2585 §4. */
const contentType = "application/pkix-crl";
const cacheControl = `public, max-age=${revocationStandard.cacheSeconds}`;

export const listKey = ({ fleet, authorityId, crlShard }: ListName): string =>
  crlObjectKey(fleet, authorityId, crlShard);

const nameOf = ({ fleet, issuer, crlShard }: ListRequest): ListName => ({
  fleet,
  crlShard,
  authorityId: issuer.record.authorityId,
});

/** The addresses by which certificates name the list: one for each base; none for a complete list. */
export function listUrls(bases: readonly string[], { authorityId, crlShard }: ListName): readonly string[] {
  if (shardWindow(crlShard) === undefined) return [];
  return bases.map((base) => `${base}/${crlPath(authorityId, crlShard)}`);
}

/** What stands there now, and what it should say: read in this order. */
interface Reading {
  readonly record: CrlRecord;
  readonly object: StoredObject | undefined;
  readonly entries: readonly StoredEntry[];
}

async function read(app: ListApp, name: ListName): Promise<Reading> {
  const stored = await findListRecord(app, name);
  const object = await app.artifacts.get(listKey(name));
  const entries = await readEntries(app, name);
  return { record: stored?.value ?? newListRecord(name, app.clock.now()), object, entries };
}

function isDue(record: CrlRecord, { refreshSeconds }: Schedule, now: number): boolean {
  return (record.dueAt ?? record.thisUpdate + refreshSeconds * 1000) <= now;
}

/** RFC 5280 §3.3: one more list after the last of its certificates expired, and then none. */
function isOver({ crlShard, thisUpdate }: CrlRecord, now: number): boolean {
  const window = shardWindow(crlShard);
  return window !== undefined && now >= shardRetirement(window) && thisUpdate >= window.to;
}

/** Number of the list that readers have; 0 when there is none, or nothing that is one. */
function publishedNumber(app: ListApp, name: ListName, object: StoredObject | undefined): number {
  if (object === undefined) return 0;
  try {
    return readCrlNumber(object.body);
  } catch (error) {
    if (!isAppError(error)) throw error;
    app.log.error("crl_damaged", { ...name, code: error.code });
    return 0;
  }
}

/** No date lies after `thisUpdate`, whatever clock wrote it. */
function revokedOf(entries: readonly StoredEntry[], thisUpdate: number): readonly RevokedCertificate[] {
  return entries
    .filter(({ value }) => value.state === "revoked")
    .map(({ value: { serialNumber, revokedAt, reason } }) => ({
      serialNumber: Buffer.from(serialNumber, "hex"),
      revocationDate: Math.min(Math.floor(revokedAt / 1000) * 1000, thisUpdate),
      reason,
    }));
}

interface SignedList {
  readonly body: Buffer;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly entries: number;
}

async function signList(
  app: ListApp,
  request: ListRequest,
  entries: readonly StoredEntry[],
  number: number,
): Promise<SignedList> {
  const { issuer, schedule, bases } = request;
  const { signature: row } = issuer.algorithm;
  const { tbs: certificate } = issuer.certificate;
  const thisUpdate = Math.floor(app.clock.now() / 1000) * 1000;
  const nextUpdate = thisUpdate + schedule.validSeconds * 1000;
  const revoked = revokedOf(entries, thisUpdate);
  const urls = listUrls(bases, nameOf(request));
  const fullName = urls.map((value) => ({ kind: "uniformResourceIdentifier", value }) as const);
  const tbs = encodeTbsCertList({
    ...{ signature: row, issuer: certificate.subjectRaw, thisUpdate, nextUpdate, revoked, number },
    authorityKeyIdentifier:
      decodedExtension(certificate, subjectKeyIdentifier) ?? issuer.publicKey.keyIdentifier,
    ...(urls.length === 0 ? {} : { distributionPoint: fullName }),
  });
  const signature = await app.keys.sign(issuer.record.keyId, tbs);
  // A fault in the key service must not become a list that nobody can verify.
  if (!(await verifySignature(row, tbs, issuer.publicKey.keyObject, signature)))
    throw new AppError(
      "signature_invalid",
      `the key service's signature over list ${number} does not verify`,
    );
  const body = encodeCertificateList(tbs, row, signature);
  return { body, thisUpdate, nextUpdate, entries: revoked.length };
}

/** False when the object is another one by now. */
async function replace(app: ListApp, name: ListName, body: Buffer, object: StoredObject | undefined) {
  try {
    const when = object === undefined ? "absent" : { tag: object.tag };
    await app.artifacts.put(listKey(name), { body, contentType, cacheControl }, when);
    return true;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return false;
    throw error;
  }
}

/** Of a list whose certificates have all expired: nobody asks for it any more. */
async function withdraw(app: ListApp, name: ListName, reading: Reading): Promise<ListOutcome> {
  await app.artifacts.remove(listKey(name));
  await changeListRecord(app, name, ({ dueAt: _, ...record }) => record);
  const { count } = await markPublished(app, reading.entries, reading.record.number);
  const kind = reading.record.dueAt === undefined ? "current" : "withdrawn";
  return { kind, entries: count, waited: 0 };
}

/** Undefined when another publisher was faster. */
async function publishOnce(
  app: ListApp,
  request: ListRequest,
  { object, entries }: Reading,
): Promise<ListOutcome | undefined> {
  const name = nameOf(request);
  const number = await takeNumber(app, name, publishedNumber(app, name, object));
  const list = await signList(app, request, entries, number);
  if (!(await replace(app, name, list.body, object))) return undefined;
  const publishedAt = app.clock.now();
  const { body, ...times } = list;
  if (body.length >= largeListOctets) app.log.warn("crl_large", { ...name, octets: body.length });
  const places = placesDigest(listUrls(request.bases, name));
  const published = { ...times, publishedNumber: number, octets: body.length, places };
  await recordPublished(app, name, published, request.schedule);
  const { count, since } = await markPublished(app, entries, number);
  return {
    kind: "published",
    entries: count,
    waited: Math.max(0, publishedAt - Math.min(since, publishedAt)),
  };
}

/**
 * Signs and publishes the list when an entry waits for it, when it is due, or when it is not there; withdraws it when
 * its time is over. Safe beside other publishers of the same list.
 * @throws AppError signature_invalid, key_service_unavailable, store_unavailable, store_condition_failed (others
 * publish all the time), der_too_large (its window is too long).
 */
export async function publishList(app: ListApp, request: ListRequest): Promise<ListOutcome> {
  const name = nameOf(request);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const reading = await read(app, name);
    const { record, object, entries } = reading;
    const now = app.clock.now();
    if (isOver(record, now)) return await withdraw(app, name, reading);
    const needed = object === undefined || isDue(record, request.schedule, now) || entries.some(isPending);
    if (!needed) return { kind: "current", entries: 0, waited: 0 };
    const outcome = await publishOnce(app, request, reading);
    if (outcome !== undefined) return outcome;
  }
  throw new AppError("store_condition_failed", `list ${name.crlShard} is published by others all the time`);
}
