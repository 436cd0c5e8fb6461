/** Room: core/rotation. A request of a rollover, or the fleet's own, as it is kept, for who hands it out and takes its answer: no key is near. */
import type { Issuer } from "../../authority/issuer.ts";
import type { KeylessApp } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import {
  type OfflineRequestRecord,
  offlineRequestKey,
  offlineRequestRecord,
} from "../../records/offline-record.ts";

import { base64Of, parseDocument } from "./members.ts";
import { decodeRequest, type OfflineRequest } from "./request.ts";

export async function findOfflineRequest(
  app: KeylessApp,
  fleet: string,
  rolloverId?: string,
): Promise<Stored<OfflineRequestRecord> | undefined> {
  const item = await app.items.get(offlineRequestKey(fleet, rolloverId));
  return item === undefined ? undefined : offlineRequestRecord(item);
}

/** What was asked. @throws AppError ceremony_invalid: damaged. */
export const requestOf = ({ value }: Stored<OfflineRequestRecord>): OfflineRequest =>
  decodeRequest(parseDocument(value.document, "the request"));

/** Of the fleet's own: whether its answer would be taken, signed by the root in force. */
export function isOpen(found: Stored<OfflineRequestRecord>, root: Issuer, now: number): boolean {
  const { expiresAt, answeredAt } = found.value;
  if (expiresAt <= now || answeredAt !== undefined) return false;
  return requestOf(found).authorities[0]?.certificate === base64Of(root.record.certificate);
}
