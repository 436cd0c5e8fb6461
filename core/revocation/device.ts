/**
 * Room: core/revocation. Takes trust back from a whole device, and lets a device take back the trust in itself: whoever
 * holds its key may say that nobody should believe it any more, and nothing beyond that.
 */
import type { ClientIdentity } from "../access/client-certificate.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { findDevice } from "../enrollment/known-device.ts";
import { AppError, isAppError } from "../errors.ts";
import { canonicalText } from "../formats/name.ts";
import type { KeylessApp, RevocationApp } from "../ports.ts";
import {
  type CertificateRecord,
  certificateRecord,
  subjectPartition,
} from "../records/certificate-record.ts";
import { holdReason, type OwnReason } from "./reason.ts";
import { noCertificate, type Revocation, type RevocationRequest, revoke, writeRevocation } from "./revoke.ts";
import { closeUnfinished } from "./unfinished.ts";
import { wake } from "./wake.ts";

export interface DeviceRevocationRequest extends Omit<RevocationRequest, "serialNumber"> {
  /** Any spelling of its id. */
  readonly deviceId: string;
}

export interface DeviceRevocation {
  readonly deviceId: string;
  /** Certificates whose state this call changed. */
  readonly revoked: number;
  /** Its other certificates: expired, or revoked before. */
  readonly unchanged: number;
}

const pageItems = 100;
/** Certificates that are written at the same time. */
const together = 8;

type Outcome = "revoked" | "unchanged";

async function revokeOne(
  app: KeylessApp,
  { serialNumber, notAfter, state, revocationReason }: CertificateRecord,
  { fleet, actor, reason }: DeviceRevocationRequest,
): Promise<Outcome> {
  const isFinal = state === "revoked" && revocationReason !== holdReason;
  if (isFinal || notAfter < app.clock.now()) return "unchanged";
  try {
    const { changed } = await writeRevocation(app, { fleet, serialNumber, actor, reason });
    return changed ? "revoked" : "unchanged";
  } catch (error) {
    // Revoked for another reason since the index showed it.
    if (isAppError(error, "already_revoked")) return "unchanged";
    throw error;
  }
}

async function revokePage(
  app: KeylessApp,
  records: readonly CertificateRecord[],
  request: DeviceRevocationRequest,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let start = 0; start < records.length; start += together) {
    const some = records.slice(start, start + together);
    outcomes.push(...(await Promise.all(some.map((record) => revokeOne(app, record, request)))));
  }
  return outcomes;
}

async function revokeAll(app: KeylessApp, request: DeviceRevocationRequest): Promise<readonly Outcome[]> {
  const pk = subjectPartition(request.fleet, "device", request.deviceId);
  const outcomes: Outcome[] = [];
  let cursor: string | undefined;
  do {
    const query = { index: "byDevice", pk, limit: pageItems } as const;
    const page = await app.items.query(cursor === undefined ? query : { ...query, cursor });
    const records = page.items.map((item) => certificateRecord(item).value);
    outcomes.push(...(await revokePage(app, records, request)));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return outcomes;
}

/** Requests of the device may be taken over by one signer after another: each round closes what it finds. */
const rounds = 5;

/** Until nothing of the device is under way. What was finished between two looks is revoked by its serial number. */
async function revokeUnfinished(
  app: KeylessApp,
  request: DeviceRevocationRequest,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const finished = await closeUnfinished(app, request);
    if (finished.length === 0) break;
    for (const serialNumber of finished) {
      const stored = await findCertificate(app, request.fleet, serialNumber);
      if (stored?.value.state === "issued") outcomes.push(await revokeOne(app, stored.value, request));
    }
  }
  return outcomes;
}

/**
 * Every certificate of the device that is in force, each in a transaction of its own, and every request of its that is
 * under way, as far as the indexes show them: on AWS they follow a write by a moment. A call that failed half-way is repeated, and changes what is left. The device may enrol again unless it is
 * retired as well.
 * @throws AppError not_found (no certificate, and not in the inventory), name_not_permitted, store_unavailable.
 */
export async function revokeDevice(
  app: RevocationApp,
  request: DeviceRevocationRequest,
): Promise<DeviceRevocation> {
  const { fleet, deviceId } = request;
  const first = await revokeAll(app, request);
  // From here on no certificate of the device can be renewed: what was asked for before is in the index of intents, or
  // has been finished, and then a second look finds it.
  const unfinished = await revokeUnfinished(app, request);
  const all = await revokeAll(app, request);
  if (all.length === 0 && (await findDevice(app, fleet, deviceId)).device === undefined)
    throw new AppError("not_found", `there is no device "${deviceId}" in fleet "${fleet}"`);
  const count = (outcomes: readonly Outcome[], wanted: Outcome) =>
    outcomes.filter((outcome) => outcome === wanted).length;
  const revoked = [first, unfinished, all].reduce((sum, outcomes) => sum + count(outcomes, "revoked"), 0);
  if (revoked > 0) await wake(app, "publish");
  // What was revoked before its index showed it is met again, and has been counted.
  return { deviceId, revoked, unchanged: Math.max(0, all.length - revoked) };
}

export interface OwnRevocationRequest {
  /** From `authenticateClientCertificate`. */
  readonly client: ClientIdentity;
  readonly reason: OwnReason;
  /** Another certificate of the same device. @default the presented one */
  readonly serialNumber?: string;
}

/** @throws AppError not_found for another's as for none: a device learns nothing of its neighbours. */
async function assertOwn(app: KeylessApp, client: ClientIdentity, serialNumber: string): Promise<void> {
  if (serialNumber === client.serialNumber) return;
  const record = (await findCertificate(app, client.fleet, serialNumber))?.value;
  const own =
    record?.subjectKind === "device" && canonicalText(record.subjectId) === canonicalText(client.subjectId);
  if (!own) throw noCertificate({ fleet: client.fleet, serialNumber });
}

/**
 * @throws AppError access_denied (not a device), not_found, already_revoked (with another reason), store_unavailable.
 */
export async function revokeOwn(app: RevocationApp, request: OwnRevocationRequest): Promise<Revocation> {
  const { client, reason, serialNumber = client.serialNumber } = request;
  if (client.kind !== "device")
    throw new AppError(
      "access_denied",
      "this is for devices; operators revoke certificates by serial number",
    );
  await assertOwn(app, client, serialNumber);
  const actor = `certificate:${client.serialNumber}`;
  return await revoke(app, { fleet: client.fleet, serialNumber, actor, reason });
}
