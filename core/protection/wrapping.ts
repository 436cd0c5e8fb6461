/**
 * Room: core/protection. Which key wraps the data key of a message: found for new data, and found again by what a
 * message says of itself. Keys in the clear are overwritten when the work is done.
 */
import type { NamedWrapping, ProtectionApp, Wrapping } from "../ports.ts";
import { subjectKeyName } from "../records/subject-key-record.ts";
import { type DataCaller, type DataContext, isFleetWrapped } from "./data-caller.ts";
import { currentSubjectKey, findSubjectKey } from "./subject-keys.ts";
import { assertSubjectAlive, isSubjectShredded } from "./subject-standing.ts";
import { unreadable } from "./unreadable.ts";

async function using<Value>(
  wrapping: Wrapping,
  work: (wrapping: Wrapping) => Promise<Value>,
): Promise<Value> {
  try {
    return await work(wrapping);
  } finally {
    if (wrapping.kind === "subject") wrapping.key.fill(0);
  }
}

/**
 * `work` with what wraps new data of that context.
 * @throws AppError subject_shredded, key_disabled, key_service_unavailable, store_unavailable.
 */
export async function withNewWrapping<Value>(
  app: ProtectionApp,
  caller: DataCaller,
  { fleet, purpose, subject }: DataContext,
  work: (wrapping: Wrapping) => Promise<Value>,
): Promise<Value> {
  if (!isFleetWrapped(caller, purpose)) return using(await currentSubjectKey(app, { caller, subject }), work);
  await assertSubjectAlive(app, { caller, subject });
  return work({ kind: "fleet", fleet });
}

const versionPattern = /:([1-9][0-9]{0,3})$/;

async function subjectWrapping(
  app: ProtectionApp,
  { fleet, subject }: DataContext,
  keyName: string,
): Promise<Wrapping> {
  const version = Number(versionPattern.exec(keyName)?.[1] ?? 0);
  // The whole name: a key of another subject or fleet is none of this context's, whatever it says.
  if (version === 0 || keyName !== subjectKeyName({ fleet, subject, version })) throw unreadable();
  const key = await findSubjectKey(app, { fleet, subject, version });
  if (key === undefined) throw unreadable();
  return key;
}

/**
 * `work` with what opens data of that context which says to be wrapped so. Purposes may have changed their wrapping
 * meanwhile: what was written before is read as it was written.
 * @throws AppError data_unreadable (no such key, shredded, somebody else's); key_disabled, key_service_unavailable.
 */
export async function withNamedWrapping<Value>(
  app: ProtectionApp,
  { fleetState }: Pick<DataCaller, "fleetState">,
  context: DataContext,
  named: NamedWrapping,
  work: (wrapping: Wrapping) => Promise<Value>,
): Promise<Value> {
  if (named.kind === "foreign" || fleetState.record.dataShreddedAt !== undefined) throw unreadable();
  if (named.kind === "subject") return using(await subjectWrapping(app, context, named.keyName), work);
  const { fleet, subject } = context;
  if (await isSubjectShredded(app, fleet, subject)) throw unreadable();
  return work({ kind: "fleet", fleet });
}
