/**
 * Room: core/rotation. Makes what people carry to the machine without a network. The key of an issuing authority signs
 * its own request here, so the ceremony's task does this; nothing that it makes certifies anybody.
 */
import { type Fleet, getFleet } from "../../authority/issuer.ts";
import { ownCsr } from "../../enrollment/own-key.ts";
import { isAppError } from "../../errors.ts";
import type { App, KeyDescription } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import type { OfflineRequestRecord } from "../../records/offline-record.ts";
import type { RolloverRecord } from "../../records/rollover-record.ts";
import { allRollovers } from "../rollover-store.ts";
import { type OfflineNeed, offlineNeed } from "./asked.ts";
import { findOfflineRequest } from "./kept-request.ts";
import { type AskedParts, drawSerial, isListDue, keepRequest, listOf, requestRecord } from "./making.ts";
import { base64Of } from "./members.ts";
import { askSigner, availableSigner, type SignerAsked } from "./next-signer.ts";
import type { AskedCertificate, Successor } from "./request.ts";
import { offlineRoot } from "./signer-need.ts";

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

/** Asked of the root in force besides, unless it may be lost. */
async function signerAsked(
  app: App,
  fleet: Fleet,
  { emergency }: RolloverRecord,
  { root }: OfflineNeed,
): Promise<SignerAsked | undefined> {
  const { authorityId } = root.record;
  if (emergency || offlineRoot(fleet)?.record.authorityId !== authorityId) return undefined;
  const signer = await availableSigner(app, fleet);
  return signer === undefined ? undefined : await askSigner(app, fleet.record.fleet, signer, authorityId);
}

async function makeRequest(
  app: App,
  known: Fleet,
  rollover: RolloverRecord,
  need: OfflineNeed,
): Promise<OfflineRequestRecord> {
  const { fleet, rolloverId, toId } = rollover;
  const { purpose, root } = need;
  const { authorityId } = root.record;
  const { certificates, successor, key } = await askedOf(app, rollover, need);
  const next = await signerAsked(app, known, rollover, need);
  const parts: AskedParts = {
    ...{ fleet, rolloverId, purpose },
    authorities: [{ authorityId, certificate: base64Of(root.record.certificate) }],
    ...(successor === undefined ? {} : { successor }),
    ...(next === undefined ? {} : { signer: next.signer }),
    certificates: next === undefined ? certificates : [...certificates, next.certificate],
    lists: [await listOf(app, fleet, purpose === "root" ? toId : authorityId)],
  };
  return requestRecord(app, parts, {
    ...(key === undefined ? {} : { keyId: key.keyId }),
    ...(next === undefined ? {} : { signerKeyId: next.keyId }),
  });
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
  return await keepRequest(app, await makeRequest(app, fleet, rollover, need), found);
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
