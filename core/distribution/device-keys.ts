/**
 * Room: core/distribution. The public keys of one device, as JWKs, from its certificates. A row is a certificate: a key
 * that was certified twice stands twice, with one `kid`, since each certificate has a status and an end of its own.
 */
import { isoSeconds } from "../enrollment/answer.ts";
import { findDevice } from "../enrollment/known-device.ts";
import { AppError } from "../errors.ts";
import { jwkThumbprint, type PublicJwk, publicJwk } from "../formats/jwk.ts";
import { decodeSubjectPublicKey } from "../formats/spki.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import type { ItemQuery, KeylessApp } from "../ports.ts";
import {
  type CertificateRecord,
  certificateRecord,
  subjectPartition,
} from "../records/certificate-record.ts";
import type { ProfileId } from "../standard/profiles.ts";
import { type CertificateStatus, statusOf } from "./certificate-status.ts";

export type DeviceKey = PublicJwk & {
  /** RFC 7638 SHA-256 thumbprint. */
  readonly kid: string;
  /** Of the certificate: lowercase hexadecimal. */
  readonly serialNumber: string;
  readonly profile: ProfileId;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly status: CertificateStatus;
  /** Of all that are active, the one that was certified last. */
  readonly current: boolean;
};

export interface DeviceKeysRequest {
  readonly fleet: string;
  readonly deviceId: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** From the previous page. */
  readonly cursor?: string;
}

export interface DeviceKeys {
  readonly deviceId: string;
  /** The newest certificate's first. A page may be shorter than its limit. */
  readonly keys: readonly DeviceKey[];
  /** Present when there may be more. */
  readonly cursor?: string;
}

function jwkOf({ serialNumber, certificate }: CertificateRecord): PublicJwk {
  if (certificate === undefined) throw new AppError("internal", `${serialNumber} has no certificate`);
  return publicJwk(decodeSubjectPublicKey(decodeCertificate(certificate).tbs.subjectPublicKeyInfo));
}

function deviceKey(record: CertificateRecord, status: DeviceKey["status"], current: boolean): DeviceKey {
  const jwk = jwkOf(record);
  return {
    ...jwk,
    kid: jwkThumbprint(jwk),
    serialNumber: record.serialNumber,
    profile: record.profile,
    notBefore: isoSeconds(record.notBefore),
    notAfter: isoSeconds(record.notAfter),
    status,
    current,
  };
}

/** Serial number of the device's current certificate; one page of the newest, nearly always. */
async function currentSerial(app: KeylessApp, query: ItemQuery, now: number): Promise<string | undefined> {
  let cursor: string | undefined;
  do {
    const page = await app.items.query({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    const records = page.items.map((item) => certificateRecord(item).value);
    const found = records.find((record) => statusOf(record, now) === "active");
    if (found !== undefined) return found.serialNumber;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return undefined;
}

async function assertKnown(app: KeylessApp, fleet: string, deviceId: string): Promise<void> {
  if ((await findDevice(app, fleet, deviceId)).device !== undefined) return;
  throw new AppError("not_found", `there is no device "${deviceId}" in fleet "${fleet}"`);
}

/**
 * Of devices only: the partition is that of their kind. A device that never had a certificate has no keys.
 * @throws AppError request_invalid (limit), cursor_invalid, name_not_permitted (an id that no device can have),
 * not_found (no such device).
 */
export async function deviceKeys(app: KeylessApp, request: DeviceKeysRequest): Promise<DeviceKeys> {
  const { fleet, deviceId, limit, cursor } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new AppError("request_invalid", `limit ${limit} is outside 1 to 1000; follow the cursor for more`);
  const query: ItemQuery = {
    index: "byDevice",
    pk: subjectPartition(fleet, "device", deviceId),
    limit,
    descending: true,
  };
  const now = app.clock.now();
  const page = await app.items.query(cursor === undefined ? query : { ...query, cursor });
  const rows = page.items.map((item) => {
    const record = certificateRecord(item).value;
    return { record, status: statusOf(record, now) };
  });
  const isFirst = cursor === undefined;
  if (isFirst && rows.length === 0) await assertKnown(app, fleet, deviceId);
  const active = rows.some(({ status }) => status === "active");
  // Of the first page the first that is active; a later page cannot know what was before it.
  const current = isFirst
    ? rows.find(({ status }) => status === "active")?.record.serialNumber
    : active
      ? await currentSerial(app, query, now)
      : undefined;
  return {
    deviceId,
    keys: rows.map(({ record, status }) => deviceKey(record, status, record.serialNumber === current)),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
}
