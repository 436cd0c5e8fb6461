/**
 * Room: core/rotation. Makes what people carry to the machine without a network. The key of an issuing authority signs
 * its own request here, so the ceremony's task does this; nothing that it makes certifies anybody.
 */
import { type Fleet, getFleet } from "../../authority/issuer.ts";
import { isoSeconds } from "../../enrollment/answer.ts";
import { ownCsr } from "../../enrollment/own-key.ts";
import { isAppError } from "../../errors.ts";
import type { App, KeyDescription, KeylessApp } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import { type OfflineRequestRecord, offlineRequestItem } from "../../records/offline-record.ts";
import type { RolloverRecord } from "../../records/rollover-record.ts";
import { isPending, readEntries } from "../../revocation/list-entries.ts";
import { findListRecord, takeNumber } from "../../revocation/list-record.ts";
import { completeShard } from "../../revocation/shard.ts";
import { publicationSchedules } from "../../standard/revocation.ts";
import { allRollovers } from "../rollover-store.ts";
import { type OfflineNeed, offlineNeed } from "./asked.ts";
import { findOfflineRequest } from "./kept-request.ts";
import { base64Of, invalid } from "./members.ts";
import {
  type AskedCertificate,
  type AskedList,
  encodeRequest,
  maximumListed,
  type OfflineRequest,
  requestDigest,
  requestType,
  type Successor,
} from "./request.ts";

const day = 86_400_000;
/** Days in which people get to the other machine and back; then the request is made again, with what is revoked then. */
const validDays = 30;

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 16 random ones with the sign bit clear. */
function drawSerial(app: KeylessApp): string {
  const octets = Buffer.from(app.entropy.bytes(16));
  octets[0] = (octets[0] ?? 0) & 0x7f;
  return octets.toString("hex");
}

async function listOf(app: KeylessApp, fleet: string, authorityId: string): Promise<AskedList> {
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
async function isListDue(app: KeylessApp, fleet: string, authorityId: string): Promise<boolean> {
  const name = { fleet, authorityId, crlShard: completeShard };
  const stored = await findListRecord(app, name);
  const refreshed = (stored?.value.thisUpdate ?? 0) + publicationSchedules.rootCrl.refreshSeconds * 1000;
  return refreshed <= app.clock.now() || (await readEntries(app, name)).some(isPending);
}

interface Asked {
  readonly certificates: readonly AskedCertificate[];
  readonly successor?: Successor;
  readonly key?: KeyDescription;
}

async function issuingAsked(app: App, rollover: RolloverRecord, signedBy: string): Promise<Asked> {
  const { fleet, toId: authorityId, algorithm } = rollover;
  const key = await app.keys.createKey(`${fleet}-${authorityId}`, algorithm);
  const csr = await ownCsr(app, key, { kind: "authority", fleet, authorityId });
  return {
    certificates: [{ profile: "issuing", subject: authorityId, signedBy, serialNumber: drawSerial(app) }],
    successor: { authorityId, algorithm, csr: base64Of(csr.raw) },
    key,
  };
}

/** RFC 9810 §4.4: the new root, OldWithNew, and NewWithOld where the old key is offline too. */
function rootAsked(app: App, rollover: RolloverRecord, { root }: OfflineNeed): Asked {
  const { toId, fromId, algorithm, emergency } = rollover;
  const own = { profile: "root", subject: toId, signedBy: toId, serialNumber: drawSerial(app) } as const;
  const cross = (subject: string, signedBy: string): AskedCertificate => ({
    ...{ profile: "cross", subject, signedBy },
    serialNumber: drawSerial(app),
  });
  return {
    // In an emergency the new root vouches for no key that may be another's, nor waits for it.
    certificates: [
      own,
      ...(emergency ? [] : [cross(fromId, toId)]),
      ...(root.record.custody === "offline" && !emergency ? [cross(toId, fromId)] : []),
    ],
    successor: { authorityId: toId, algorithm },
  };
}

function askedOf(app: App, rollover: RolloverRecord, need: OfflineNeed): Promise<Asked> | Asked {
  if (need.purpose === "list") return { certificates: [] };
  if (need.purpose === "root") return rootAsked(app, rollover, need);
  return issuingAsked(app, rollover, need.root.record.authorityId);
}

async function makeRequest(
  app: App,
  rollover: RolloverRecord,
  need: OfflineNeed,
): Promise<OfflineRequestRecord> {
  const { fleet, rolloverId, toId } = rollover;
  const { purpose, root } = need;
  const { authorityId } = root.record;
  const { certificates, successor, key } = await askedOf(app, rollover, need);
  const createdAt = Math.floor(app.clock.now() / 1000) * 1000;
  const expiresAt = createdAt + validDays * day;
  const request: OfflineRequest = {
    version: 1,
    type: requestType,
    ...{ fleet, rolloverId, purpose },
    requestedAt: isoSeconds(createdAt),
    expiresAt: isoSeconds(expiresAt),
    authorities: [{ authorityId, certificate: base64Of(root.record.certificate) }],
    ...(successor === undefined ? {} : { successor }),
    certificates,
    lists: [await listOf(app, fleet, purpose === "root" ? toId : authorityId)],
  };
  return {
    ...{ fleet, rolloverId, createdAt, expiresAt },
    document: encodeRequest(request),
    sha256: requestDigest(request),
    ...(key === undefined ? {} : { keyId: key.keyId }),
  };
}

const purposeOf = ({ document }: OfflineRequestRecord): string => String(JSON.parse(document).purpose);

/** Whether the request that is there still asks for what is needed. */
function isCurrent({ value }: Stored<OfflineRequestRecord>, need: OfflineNeed, now: number): boolean {
  if (value.expiresAt <= now || purposeOf(value) !== need.purpose) return false;
  return value.answeredAt === undefined || need.purpose !== "list";
}

async function prepareOne(app: App, fleet: Fleet, rollover: RolloverRecord): Promise<boolean> {
  const need = offlineNeed(fleet, rollover);
  if (need === undefined) return false;
  const { fleet: name, rolloverId } = rollover;
  const found = await findOfflineRequest(app, name, rolloverId);
  if (found !== undefined && isCurrent(found, need, app.clock.now())) return false;
  if (need.purpose === "list" && !(await isListDue(app, name, need.root.record.authorityId))) return false;
  const record = await makeRequest(app, rollover, need);
  try {
    await app.items.transact([{ put: offlineRequestItem(record), when: found?.version ?? "absent" }]);
    return true;
  } catch (error) {
    // Another run has made one: that is the request.
    if (isAppError(error, "store_condition_failed")) return false;
    throw error;
  }
}

/**
 * Makes the requests that the fleet's rollovers need and that are not there, or over. One rollover's fault keeps no
 * other from its own. Idempotent: a request that is there stays as it is, its digest too.
 * @returns How many were made. @throws AppError not_found, store_unavailable.
 */
export async function prepareOffline(app: App, fleet: string): Promise<number> {
  const known = await getFleet(app, fleet);
  let made = 0;
  for (const { value } of await allRollovers(app, fleet)) {
    try {
      if (await prepareOne(app, known, value)) made += 1;
    } catch (error) {
      if (!isAppError(error)) throw error;
      app.log.warn("offline_request_not_made", { fleet, rolloverId: value.rolloverId, code: error.code });
    }
  }
  return made;
}
