/** Room: core/rotation. Parts of what people carry to the machine without a network, whatever it asks for. */
import { isoSeconds } from "../../enrollment/answer.ts";
import { isAppError } from "../../errors.ts";
import type { KeylessApp } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import { type OfflineRequestRecord, offlineRequestItem } from "../../records/offline-record.ts";
import { isPending, readEntries } from "../../revocation/list-entries.ts";
import { findListRecord, takeNumber } from "../../revocation/list-record.ts";
import { completeShard } from "../../revocation/shard.ts";
import { publicationSchedules } from "../../standard/revocation.ts";
import { invalid } from "./members.ts";
import {
  type AskedList,
  encodeRequest,
  maximumListed,
  type OfflineRequest,
  requestDigest,
  requestType,
} from "./request.ts";

const day = 86_400_000;
/** Days in which people get to the other machine and back; then the request is made again, with what is revoked then. */
const validDays = 30;

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 16 random ones with the sign bit clear. */
export function drawSerial(app: KeylessApp): string {
  const octets = Buffer.from(app.entropy.bytes(16));
  octets[0] = (octets[0] ?? 0) & 0x7f;
  return octets.toString("hex");
}

/** What the root's next list is to say; its number is taken. @throws AppError ceremony_invalid: too many entries. */
export async function listOf(app: KeylessApp, fleet: string, authorityId: string): Promise<AskedList> {
  const name = { fleet, authorityId, crlShard: completeShard };
  const stored = await findListRecord(app, name);
  const number = await takeNumber(app, name, stored?.value.publishedNumber ?? 0);
  const entries = (await readEntries(app, name)).filter(({ value }) => value.state === "revoked");
  if (entries.length > maximumListed)
    throw invalid(`the list of ${authorityId} would have ${entries.length} entries, limit ${maximumListed}`);
  const revoked = entries.map(({ value }) => ({
    serialNumber: value.serialNumber,
    revokedAt: isoSeconds(value.revokedAt),
    reason: value.reason,
  }));
  return { signedBy: authorityId, number, revoked };
}

/** False while the list that readers have says all there is to say, and is fresh. */
export async function isListDue(app: KeylessApp, fleet: string, authorityId: string): Promise<boolean> {
  const name = { fleet, authorityId, crlShard: completeShard };
  const stored = await findListRecord(app, name);
  const refreshed = (stored?.value.thisUpdate ?? 0) + publicationSchedules.rootCrl.refreshSeconds * 1000;
  return refreshed <= app.clock.now() || (await readEntries(app, name)).some(isPending);
}

export type AskedParts = Omit<OfflineRequest, "version" | "type" | "requestedAt" | "expiresAt">;

/** The request as it is kept, valid from now on. @throws AppError ceremony_invalid: it contradicts itself. */
export function requestRecord(
  app: KeylessApp,
  parts: AskedParts,
  keys: Pick<OfflineRequestRecord, "keyId" | "signerKeyId">,
): OfflineRequestRecord {
  const { fleet, rolloverId } = parts;
  const createdAt = Math.floor(app.clock.now() / 1000) * 1000;
  const expiresAt = createdAt + validDays * day;
  const request: OfflineRequest = {
    version: 1,
    type: requestType,
    ...parts,
    requestedAt: isoSeconds(createdAt),
    expiresAt: isoSeconds(expiresAt),
  };
  return {
    ...{ fleet, createdAt, expiresAt, ...keys },
    ...(rolloverId === undefined ? {} : { rolloverId }),
    document: encodeRequest(request),
    sha256: requestDigest(request),
  };
}

/** @returns False when another run has made one: that is the request. */
export async function keepRequest(
  app: KeylessApp,
  record: OfflineRequestRecord,
  replaced: Stored<OfflineRequestRecord> | undefined,
): Promise<boolean> {
  try {
    await app.items.transact([{ put: offlineRequestItem(record), when: replaced?.version ?? "absent" }]);
    return true;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return false;
    throw error;
  }
}
