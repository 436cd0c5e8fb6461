/**
 * Room: core/protection. Whether data of a subject may still be made and read: a tombstone, of the subject or of its
 * whole fleet, ends both at once, whatever keys are still in a store, in a backup or in the memory of a process.
 */
import { AppError } from "../errors.ts";
import type { ItemStore } from "../ports.ts";
import { fleetTombstoneKey, subjectTombstoneKey } from "../records/subject-key-record.ts";
import { assertNotShredded, type DataCaller } from "./data-caller.ts";

/** Of a request that makes something: the fleet, the subject, and who asks. */
export interface SubjectKeyRequest {
  readonly caller: DataCaller;
  readonly subject: string;
}

interface SubjectKeyStore {
  readonly subjectKeys: ItemStore;
}

export const shredded = () =>
  new AppError("subject_shredded", "the subject's keys were destroyed; no new data is protected for it");

/**
 * Two reads. The fleet's record says it too, but it lies in a store whose backups know nothing of a later shredding.
 * @throws AppError store_unavailable.
 */
export async function isSubjectShredded(
  { subjectKeys }: SubjectKeyStore,
  fleet: string,
  subject: string,
): Promise<boolean> {
  const tombstones = [subjectTombstoneKey(fleet, subject), fleetTombstoneKey(fleet)];
  const found = await Promise.all(tombstones.map((key) => subjectKeys.get(key)));
  return found.some((item) => item !== undefined);
}

/** No new data of a subject that was shredded, under whatever key. @throws AppError subject_shredded. */
export async function assertSubjectAlive(
  app: SubjectKeyStore,
  { caller, subject }: SubjectKeyRequest,
): Promise<void> {
  assertNotShredded(caller.fleetState);
  if (await isSubjectShredded(app, caller.fleet, subject)) throw shredded();
}
