/**
 * Room: core/protection. Keys of subjects: made when their first data come, opened while their item is there and no
 * tombstone stands in its place.
 */
import { auditEntry } from "../audit/entry.ts";
import { AppError, isAppError } from "../errors.ts";
import { checkSubject } from "../policy/encryption-context.ts";
import type { EncryptionContext, ProtectionApp, Wrapping } from "../ports.ts";
import {
  currentContextVersion,
  fleetTombstoneKey,
  type SubjectKeyRecord,
  subjectKeyContext,
  subjectKeyItem,
  subjectKeyKey,
  subjectKeyName,
  subjectKeyPart,
  subjectKeyPartition,
  subjectKeyRange,
  subjectKeyRecord,
  subjectTombstoneKey,
} from "../records/subject-key-record.ts";
import { protectionStandard } from "../standard/protection.ts";
import { assertNotShredded, type DataCaller } from "./data-caller.ts";
import { subjectKeyCache } from "./subject-key-cache.ts";

/** A subject key in the clear: whoever asked for it overwrites `key`. */
export interface OpenSubjectKey extends Extract<Wrapping, { kind: "subject" }> {
  readonly version: number;
}

/** Of a request that makes something: the fleet, the subject, and who asks. */
export interface SubjectKeyRequest {
  readonly caller: DataCaller;
  readonly subject: string;
}

/** Two makers at once: the second finds the first one's key. */
const attempts = 5;
const day = 86_400_000;

const shredded = () =>
  new AppError("subject_shredded", "the subject's keys were destroyed; no new data is protected for it");

async function isShredded(app: ProtectionApp, fleet: string, subject: string): Promise<boolean> {
  return (await app.subjectKeys.get(subjectTombstoneKey(fleet, subject))) !== undefined;
}

/** The key in the clear. @throws AppError of WrappingKeys.unwrap. */
async function opened(app: ProtectionApp, record: SubjectKeyRecord): Promise<OpenSubjectKey> {
  const cache = subjectKeyCache(app);
  const now = app.clock.now();
  const named = { kind: "subject", keyName: subjectKeyName(record), version: record.version } as const;
  const known = cache.find(record.wrapped, now);
  if (known !== undefined) return { ...named, key: known };
  const key = await app.wrappingKeys.unwrap(record.fleet, record, subjectKeyContext(record));
  cache.keep(record.wrapped, key, now);
  return { ...named, key };
}

/** The newest version; one read. */
async function findNewest(
  app: ProtectionApp,
  fleet: string,
  subject: string,
): Promise<SubjectKeyRecord | undefined> {
  const pk = subjectKeyPartition(fleet, subjectKeyPart(subject));
  const query = { pk, ...subjectKeyRange(subject), limit: 1, descending: true } as const;
  const { items } = await app.subjectKeys.query(query);
  const [item] = items;
  return item === undefined ? undefined : subjectKeyRecord(item).value;
}

function isDue(record: SubjectKeyRecord, now: number): boolean {
  const { subjectKeyDays, subjectKeyVersions } = protectionStandard;
  return now - record.createdAt >= subjectKeyDays * day && record.version < subjectKeyVersions;
}

/** False when another was faster. @throws AppError subject_shredded; of WrappingKeys.generate. */
async function made(app: ProtectionApp, request: SubjectKeyRequest, version: number): Promise<boolean> {
  const { caller, subject } = request;
  const { fleet } = caller;
  // Before the key is wrapped: a re-encryption that begins meanwhile counts it as old.
  const now = app.clock.now();
  const named = { fleet, subject, version, contextVersion: currentContextVersion };
  const { keyId, wrapped, plaintext } = await app.wrappingKeys.generate(fleet, subjectKeyContext(named));
  plaintext.fill(0);
  const record: SubjectKeyRecord = { ...named, keyId, wrapped, createdAt: now, wrappedAt: now };
  try {
    await app.subjectKeys.transact([
      { put: subjectKeyItem(record), when: "absent" },
      { check: subjectTombstoneKey(fleet, subject), when: "absent" },
      { check: fleetTombstoneKey(fleet), when: "absent" },
    ]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    if ((error.failedOperations ?? []).some((index) => index > 0)) throw shredded();
    return false;
  }
  const entry = { fleet, action: "subject-key.created", actor: caller.actor, subject } as const;
  await app.items.transact([auditEntry(app, { ...entry, result: "success", reason: `version-${version}` })]);
  return true;
}

/**
 * The newest key of the subject, wrapped; made when there is none, or none young enough.
 * @throws AppError subject_shredded, store_unavailable; of WrappingKeys.generate.
 */
async function newest(app: ProtectionApp, request: SubjectKeyRequest): Promise<SubjectKeyRecord> {
  const { caller, subject } = request;
  assertNotShredded(caller.fleetState);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const [found, isGone] = await Promise.all([
      findNewest(app, caller.fleet, subject),
      isShredded(app, caller.fleet, subject),
    ]);
    if (isGone) throw shredded();
    if (found !== undefined && !isDue(found, app.clock.now())) return found;
    await made(app, request, (found?.version ?? 0) + 1);
  }
  throw new AppError("store_condition_failed", "the subject's key was made at the same moment; repeat this", {
    retryAfter: 1,
  });
}

/** The key for new data. @throws AppError subject_shredded, key_disabled, key_service_unavailable, store_unavailable. */
export async function currentSubjectKey(
  app: ProtectionApp,
  request: SubjectKeyRequest,
): Promise<OpenSubjectKey> {
  return opened(app, await newest(app, request));
}

/** No new data of a subject that was shredded, under whatever key. @throws AppError subject_shredded. */
export async function assertSubjectAlive(app: ProtectionApp, request: SubjectKeyRequest): Promise<void> {
  const { caller, subject } = request;
  assertNotShredded(caller.fleetState);
  if (await isShredded(app, caller.fleet, subject)) throw shredded();
}

/**
 * That very version; undefined when there is none, or a tombstone stands. Two reads, whatever a cache holds.
 * @throws AppError of WrappingKeys.unwrap.
 */
export async function findSubjectKey(
  app: ProtectionApp,
  { fleet, subject, version }: { readonly fleet: string; readonly subject: string; readonly version: number },
): Promise<OpenSubjectKey | undefined> {
  const [item, isGone] = await Promise.all([
    app.subjectKeys.get(subjectKeyKey(fleet, subject, version)),
    isShredded(app, fleet, subject),
  ]);
  return item === undefined || isGone ? undefined : opened(app, subjectKeyRecord(item).value);
}

/** Whether a tombstone stands for the subject. */
export const isSubjectShredded = isShredded;

export interface WrappedSubjectKey {
  readonly subject: string;
  readonly version: number;
  /** In messages; of namespace `fleetkey`. */
  readonly keyName: string;
  readonly keyId: string;
  readonly wrapped: Uint8Array;
  /** Under which the wrapping key opens it. */
  readonly context: EncryptionContext;
}

/**
 * The newest key of the subject as it is wrapped, for a backend with rights of its own at the key service.
 * @throws AppError request_invalid, name_not_permitted (subject); as `currentSubjectKey`.
 */
export async function getSubjectKey(
  app: ProtectionApp,
  request: SubjectKeyRequest,
): Promise<WrappedSubjectKey> {
  checkSubject(request.subject);
  const record = await newest(app, request);
  const { subject, version, keyId, wrapped } = record;
  return {
    subject,
    version,
    keyName: subjectKeyName(record),
    keyId,
    wrapped,
    context: subjectKeyContext(record),
  };
}
