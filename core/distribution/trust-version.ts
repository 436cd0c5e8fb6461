/** Room: core/distribution. Which version of a fleet's trust is the newest: one read. */
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type PublicationRecord, publicationKey, publicationRecord } from "../records/publication-record.ts";

/** Undefined while nothing was ever published. */
export async function findPublication(
  app: Pick<KeylessApp, "items">,
  fleet: string,
): Promise<Stored<PublicationRecord> | undefined> {
  const item = await app.items.get(publicationKey(fleet));
  return item === undefined ? undefined : publicationRecord(item);
}
