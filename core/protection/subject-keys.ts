/**
 * Room: core/protection. Keys of subjects: made when their first data come, opened while their item is there and no
 * tombstone stands in its place.
 */
import { auditEntry } from "../audit/entry.ts";
import { AppError, isAppError } from "../errors.ts";
import { checkSubject } from "../policy/encryption-context.ts";
import type { EncryptionContext, Item, ProtectionApp, Wrapping } from "../ports.ts";
import { readItems } from "../records/pages.ts";
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
import { assertEveryPurpose, assertNotShredded } from "./data-caller.ts";
import { subjectKeyCache } from "./subject-key-cache.ts";
import { isSubjectShredded, type SubjectKeyRequest, shredded } from "./subject-standing.ts";
import { unreadable } from "./unreadable.ts";

/** A subject key in the clear: whoever asked for it overwrites `key`. */
export interface OpenSubjectKey extends Extract<Wrapping, { kind: "subject" }> {
  readonly version: number;
}

/** Of two makers at once the second finds the first one's key. */
const attempts = 5;
const day = 86_400_000;

/**
 * What the item says, when it stands where it says that it belongs: an item that was moved is nobody's key.
 * @throws AppError data_unreadable.
 */
function ownKey(item: Item, fleet: string, subject: string): SubjectKeyRecord {
  const { value } = subjectKeyRecord(item);
  const { pk, sk } = subjectKeyKey(fleet, subject, value.version);
  const isOwn = value.fleet === fleet && value.subject === subject && item.pk === pk && item.sk === sk;
  if (!isOwn) throw unreadable();
  return value;
}

/** The key in the clear. @throws AppError of WrappingKeys.unwrap. */
async function opened(app: ProtectionApp, record: SubjectKeyRecord): Promise<OpenSubjectKey> {
  const cache = subjectKeyCache(app);
  const now = app.clock.now();
  const named = { kind: "subject", keyName: subjectKeyName(record), version: record.version } as const;
  const known = cache.find(record, now);
  if (known !== undefined) return { ...named, key: known };
  const key = await app.wrappingKeys.unwrap(record.fleet, record, subjectKeyContext(record));
  cache.keep(record, key, now);
  return { ...named, key };
}

/** The newest version; one read. @throws AppError data_unreadable (the item is not what it should be). */
async function findNewest(
  app: ProtectionApp,
  fleet: string,
  subject: string,
): Promise<SubjectKeyRecord | undefined> {
  const pk = subjectKeyPartition(fleet, subjectKeyPart(subject));
  const query = { pk, ...subjectKeyRange(subject), limit: 1, descending: true } as const;
  const [item] = await readItems({ ...app, items: app.subjectKeys }, query);
  return item === undefined ? undefined : ownKey(item, fleet, subject);
}

function isDue(record: SubjectKeyRecord, now: number): boolean {
  const { subjectKeyDays, subjectKeyVersions } = protectionStandard;
  return now - record.createdAt >= subjectKeyDays * day && record.version < subjectKeyVersions;
}

/** Changes nothing when another was faster. @throws AppError subject_shredded. */
async function put(app: ProtectionApp, record: SubjectKeyRecord): Promise<boolean> {
  const { fleet, subject } = record;
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
  return true;
}

/**
 * The key and the audit log are in two stores, so the entry comes first: no key is without one. Of two makers at once
 * both have an entry, and one has made the key; a maker that dies in between leaves an entry alone.
 * @throws AppError subject_shredded; of WrappingKeys.generate.
 */
async function make(app: ProtectionApp, request: SubjectKeyRequest, version: number): Promise<void> {
  const { caller, subject } = request;
  const { fleet, actor } = caller;
  // Before the key is wrapped: a re-encryption that begins meanwhile counts it as old.
  const now = app.clock.now();
  const named = { fleet, subject, version, contextVersion: currentContextVersion };
  const { keyId, wrapped, plaintext } = await app.wrappingKeys.generate(fleet, subjectKeyContext(named));
  try {
    const act = { fleet, action: "subject-key.created", actor, subject, result: "success" } as const;
    await app.items.transact([auditEntry(app, { ...act, reason: `version-${version}` })]);
    const record = { ...named, keyId, wrapped, createdAt: now, wrappedAt: now };
    // Whoever makes a key is about to use it: the key service is not asked for it again.
    if (await put(app, record)) subjectKeyCache(app).keep(record, plaintext, now);
  } finally {
    plaintext.fill(0);
  }
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
      isSubjectShredded(app, caller.fleet, subject),
    ]);
    if (isGone) throw shredded();
    if (found !== undefined && !isDue(found, app.clock.now())) return found;
    await make(app, request, (found?.version ?? 0) + 1);
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

/**
 * That very version; undefined when there is none, its wrapping key is gone, or a tombstone stands. Three reads,
 * whatever a cache holds.
 * @throws AppError data_unreadable (the item is not what it should be), key_disabled, key_service_unavailable.
 */
export async function findSubjectKey(
  app: ProtectionApp,
  { fleet, subject, version }: { readonly fleet: string; readonly subject: string; readonly version: number },
): Promise<OpenSubjectKey | undefined> {
  const [item, isGone] = await Promise.all([
    app.subjectKeys.get(subjectKeyKey(fleet, subject, version)),
    isSubjectShredded(app, fleet, subject),
  ]);
  if (item === undefined || isGone) return undefined;
  try {
    return await opened(app, ownKey(item, fleet, subject));
  } catch (error) {
    if (!isAppError(error, "key_not_found")) throw error;
    // The caller is told no more than of any other message; who runs the service is.
    app.log.warn("subject_key_not_opened", { fleet, code: error.code });
    return undefined;
  }
}

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
 * The newest key of the subject as it is wrapped, for a backend with rights of its own at the key service. What is given
 * outlives the subject's shredding, so that it was is on record first.
 * @throws AppError request_invalid, name_not_permitted (subject); purpose_not_permitted (a caller of some purposes: the
 * key opens all); as `currentSubjectKey`.
 */
export async function getSubjectKey(
  app: ProtectionApp,
  request: SubjectKeyRequest,
): Promise<WrappedSubjectKey> {
  checkSubject(request.subject);
  assertEveryPurpose(request.caller);
  const record = await newest(app, request);
  const { fleet, subject, version, keyId, wrapped } = record;
  const { actor } = request.caller;
  const act = { fleet, action: "subject-key.given", actor, subject, result: "success" } as const;
  await app.items.transact([auditEntry(app, { ...act, reason: `version-${version}` })]);
  return {
    subject,
    version,
    keyName: subjectKeyName(record),
    keyId,
    wrapped,
    context: subjectKeyContext(record),
  };
}
