/** Room: core/protection. One transaction of a destruction: keys go, and their tombstone takes the note of it. */
import { isAppError } from "../errors.ts";
import type { SafekeepingApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { ShredRecord } from "../records/shred-record.ts";
import {
  type SubjectKeyRecord,
  subjectKeyKey,
  subjectKeyPart,
  subjectKeyPartition,
  subjectKeyRange,
  subjectKeyRecord,
} from "../records/subject-key-record.ts";
import { firstPlace, type KeyPlace, readKeys, readSubjectKeyItems } from "./safekeeping-walk.ts";
import { marked, noted, type Tombstone } from "./shred-tombstone.ts";

export interface Deletion {
  readonly tombstone: Tombstone;
  /** By this very call. */
  readonly deleted: number;
  /** No key is left. */
  readonly isOver: boolean;
  /** Of a fleet: where it goes on. */
  readonly next: KeyPlace | undefined;
}

/** With the tombstone, what one transaction holds. */
const deletedKeys = 99;

/** False when a key or the tombstone was changed meanwhile: nothing is deleted, and all is to be read again. */
async function deleteKeys(
  app: SafekeepingApp,
  stone: Awaited<ReturnType<typeof marked>>,
  keys: readonly Stored<SubjectKeyRecord>[],
  place: { readonly subject: boolean; readonly part?: string },
): Promise<boolean> {
  const gone = keys.map(({ value }) => value);
  const deletions: WriteOperation[] = keys.map(({ value: { fleet, subject, version }, version: when }) => ({
    delete: subjectKeyKey(fleet, subject, version),
    when,
  }));
  const put = noted(stone, gone, app.clock.now(), place);
  try {
    await app.subjectKeys.transact([{ put, when: stone.version }, ...deletions]);
    return true;
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    return false;
  }
}

/** All versions of the subject's key at once; over when a call finds none. */
export async function destroySubjectKeys(app: SafekeepingApp, shred: ShredRecord): Promise<Deletion> {
  const { fleet, subject = "" } = shred;
  const stone = await marked(app, shred, app.clock.now());
  const pk = subjectKeyPartition(fleet, subjectKeyPart(subject));
  const items = await readSubjectKeyItems(app, { pk, ...subjectKeyRange(subject), limit: deletedKeys });
  const keys = items.map(subjectKeyRecord);
  const isOver = keys.length === 0;
  const isDeleted = keys.length > 0 && (await deleteKeys(app, stone, keys, { subject: true }));
  return { tombstone: stone.value, deleted: isDeleted ? keys.length : 0, isOver, next: undefined };
}

/** Up to 99 of the fleet's keys, from `place` or from where the tombstone says. */
export async function destroyFleetKeys(
  app: SafekeepingApp,
  shred: ShredRecord,
  place: KeyPlace | undefined,
): Promise<Deletion> {
  const stone = await marked(app, shred, app.clock.now());
  const noticed = stone.value.part === undefined ? firstPlace : { part: stone.value.part };
  const from = place ?? noticed;
  const { keys, next } = await readKeys(app, shred.fleet, from, deletedKeys);
  const last = keys.at(-1);
  if (last === undefined)
    return { tombstone: stone.value, deleted: 0, isOver: next === undefined, next: next ?? from };
  const part = subjectKeyPart(last.value.subject);
  if (!(await deleteKeys(app, stone, keys, { subject: false, part })))
    return { tombstone: stone.value, deleted: 0, isOver: false, next: from };
  const tombstone = { ...stone.value, destroyed: stone.value.destroyed + keys.length };
  // One look more, though the walk is at its end: it finds nothing, and so says that nothing is left.
  return { tombstone, deleted: keys.length, isOver: false, next: next ?? { part } };
}
