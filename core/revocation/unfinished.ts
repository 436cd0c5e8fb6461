/**
 * Room: core/revocation. Issuance that is under way when trust in a device ends: who asked for it with a stolen key
 * must not be handed its certificate a moment later.
 */
import { auditEntry } from "../audit/entry.ts";
import { isAppError } from "../errors.ts";
import { canonicalText } from "../formats/name.ts";
import type { KeylessApp } from "../ports.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateRecord,
  openPartition,
  type Stored,
} from "../records/certificate-record.ts";
import { shards } from "../records/shard.ts";

const pageItems = 100;

interface DeviceName {
  readonly fleet: string;
  readonly deviceId: string;
  readonly actor: string;
}

/** Intents last for seconds, so all that are open anywhere are few. */
async function openIntents(
  app: KeylessApp,
  { fleet, deviceId }: DeviceName,
  shard: string,
): Promise<readonly Stored<CertificateRecord>[]> {
  const wanted = canonicalText(deviceId);
  const found: Stored<CertificateRecord>[] = [];
  const query = { index: "open", pk: openPartition(shard), limit: pageItems } as const;
  let cursor: string | undefined;
  do {
    const page = await app.items.query(cursor === undefined ? query : { ...query, cursor });
    for (const item of page.items) {
      // Another fleet's record, and a damaged one, is nothing of this device.
      if (item.attributes["fleet"] !== fleet) continue;
      const stored = certificateRecord(item);
      const { value } = stored;
      const own = value.subjectKind === "device";
      if (own && canonicalText(value.subjectId) === wanted) found.push(stored);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

/** False when it was finished, or taken over by another signer, meanwhile. */
async function close(app: KeylessApp, { value, version }: Stored<CertificateRecord>, actor: string) {
  const { tbs: _, ...record } = value;
  const { fleet, serialNumber: subject } = record;
  try {
    await app.items.transact([
      { put: certificateItem({ ...record, state: "closed", leaseUntil: 0 }), when: version },
      auditEntry(app, {
        fleet,
        action: "issuance.closed",
        actor,
        subject,
        result: "failure",
        reason: "revoked",
      }),
    ]);
    return true;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return false;
    throw error;
  }
}

/**
 * Closes the device's unfinished requests: whoever waits for one is told issuance_closed. Returns the serial numbers of
 * those that could not be closed, since they are certificates by now or about to be.
 * @throws AppError store_unavailable.
 */
export async function closeUnfinished(app: KeylessApp, name: DeviceName): Promise<readonly string[]> {
  const open = (await Promise.all(shards.map((shard) => openIntents(app, name, shard)))).flat();
  const closed = await Promise.all(open.map((stored) => close(app, stored, name.actor)));
  return open.filter((_, index) => closed[index] !== true).map(({ value }) => value.serialNumber);
}
