/** Room: core/rotation. The request of a rollover as it is kept, for who hands it out and takes its answer: no key is near. */
import type { KeylessApp } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import {
  type OfflineRequestRecord,
  offlineRequestKey,
  offlineRequestRecord,
} from "../../records/offline-record.ts";

export async function findOfflineRequest(
  app: KeylessApp,
  fleet: string,
  rolloverId: string,
): Promise<Stored<OfflineRequestRecord> | undefined> {
  const item = await app.items.get(offlineRequestKey(fleet, rolloverId));
  return item === undefined ? undefined : offlineRequestRecord(item);
}
