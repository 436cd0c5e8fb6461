/**
 * Room: core/rotation. The certificates of a rollover's successor. Every step may be repeated and finds its own result,
 * so a ceremony that died anywhere is finished by the next, with the same certificates.
 */
import { type Fleet, type Issuer, issuerOf } from "../authority/issuer.ts";
import { type CertifiedKey, certifyOwnKey, type OwnKeyRequest } from "../enrollment/own-key.ts";
import { AppError, isAppError } from "../errors.ts";
import { decodeSubjectPublicKey } from "../formats/spki.ts";
import type { App } from "../ports.ts";
import type { AuthorityRecord } from "../records/fleet-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { profiles } from "../standard/profiles.ts";
import { offlineSuccession } from "./offline/succession.ts";
import { assertRootUsable, rootInForce } from "./signing-root.ts";

export { nextAuthorityId } from "./authority-id.ts";

/** What a ceremony writes, in the transaction that publishes the successor. */
export interface Succession {
  /** In state `published`. */
  readonly authority: AuthorityRecord;
  /** Roots that have been given another cross certificate, as they are now. */
  readonly changed: readonly AuthorityRecord[];
}

const day = 86_400_000;

const encoded = ({ certificate }: CertifiedKey): string => Buffer.from(certificate).toString("base64");

function successorRecord(
  app: App,
  rollover: RolloverRecord,
  { key, record, certificate }: CertifiedKey,
): AuthorityRecord {
  const { fleet, kind, toId: authorityId, algorithm } = rollover;
  return {
    fleet,
    authorityId,
    kind,
    state: "published",
    keyId: key.keyId,
    algorithm,
    certificate,
    createdAt: record.createdAt,
    changedAt: app.clock.now(),
    // What has signed it, though another root may be in force by now.
    ...(kind === "root" ? {} : { parentId: record.authorityId }),
  };
}

function certifiedRequest(rollover: RolloverRecord): Omit<OwnKeyRequest, "profile" | "issuer" | "purpose"> {
  const { fleet, toId: authorityId, algorithm } = rollover;
  return {
    fleet,
    alias: `${fleet}-${authorityId}`,
    algorithm,
    identity: { kind: "authority", fleet, authorityId },
  };
}

async function certifyIssuing(app: App, fleet: Fleet, rollover: RolloverRecord): Promise<Succession> {
  const root = rootInForce(fleet);
  assertRootUsable(app, root);
  const certified = await certifyOwnKey(app, {
    ...certifiedRequest(rollover),
    profile: profiles.issuing,
    issuer: root,
    // One for each root that is asked: a root that a later one has replaced is not asked again.
    purpose: `authority under ${root.record.authorityId}`,
  });
  return { authority: successorRecord(app, rollover, certified), changed: [] };
}

/** The old root is past its time: a new one is what ends that, so it is made without its word. */
const worn = ["key_overdue", "authority_unavailable"] as const;
/** In an emergency nobody waits for a key that may be gone. */
const lost = [...worn, "key_offline", "key_not_found", "key_disabled"] as const;

/**
 * RFC 9810 §4.4: NewWithOld, the new key signed by the old. It ends with the old root. Undefined when the old root can
 * sign nothing more.
 */
async function certifyNewWithOld(
  app: App,
  rollover: RolloverRecord,
  old: Issuer,
): Promise<CertifiedKey | undefined> {
  try {
    assertRootUsable(app, old);
    return await certifyOwnKey(app, {
      ...certifiedRequest(rollover),
      profile: profiles.cross,
      issuer: old,
      purpose: `cross under ${old.record.authorityId}`,
    });
  } catch (error) {
    const code = (rollover.emergency ? lost : worn).find((each) => isAppError(error, each));
    if (code === undefined) throw error;
    app.log.warn("predecessor_cannot_certify", { fleet: rollover.fleet, authorityId: rollover.fromId, code });
    return undefined;
  }
}

/** Whole days, so that OldWithNew never outlives the old root (RFC 9810 §4.4.1). */
function daysLeft(app: App, { certificate }: Issuer): number {
  const start = Math.floor(app.clock.now() / 1000) * 1000 - profiles.cross.backdateSeconds * 1000;
  const left = Math.floor((certificate.tbs.validity.notAfter + 1000 - start) / day);
  return Math.min(left, profiles.cross.defaultDays);
}

/** RFC 9810 §4.4: OldWithNew, the old key signed by the new; undefined when the old root is in its last day. */
async function certifyOldWithNew(
  app: App,
  old: Issuer,
  successor: Issuer,
): Promise<CertifiedKey | undefined> {
  const { fleet, authorityId, keyId, algorithm } = old.record;
  const days = daysLeft(app, old);
  if (days < 1) return undefined;
  const key = decodeSubjectPublicKey((await app.keys.describeKey(keyId)).publicKey);
  if (key.fingerprint !== old.publicKey.fingerprint) {
    throw new AppError(
      "internal",
      `the key service has another key than root "${authorityId}" was made with`,
    );
  }
  return certifyOwnKey(app, {
    fleet,
    alias: `${fleet}-${authorityId}`,
    keyId,
    algorithm,
    profile: profiles.cross,
    identity: { kind: "authority", fleet, authorityId },
    issuer: successor,
    purpose: `cross under ${successor.record.authorityId}`,
    days,
  });
}

const withCross = (record: AuthorityRecord, certified: CertifiedKey | undefined): AuthorityRecord =>
  certified === undefined
    ? record
    : {
        ...record,
        crossCertificates: [...new Set([...(record.crossCertificates ?? []), encoded(certified)])],
      };

/**
 * The predecessor of a new root: the root in force. Nothing is made for a rollover that cannot be certified here.
 * @throws AppError rollover_state_invalid (it is another one), key_offline.
 */
function predecessor(app: App, fleet: Fleet, { fromId, rolloverId, emergency }: RolloverRecord): Issuer {
  const old = rootInForce(fleet);
  if (old.record.authorityId === fromId) {
    if (old.record.custody === "offline" && !emergency) assertRootUsable(app, old);
    return old;
  }
  throw new AppError(
    "rollover_state_invalid",
    `rollover ${rolloverId} replaces root "${fromId}", and "${old.record.authorityId}" is in force; plan another`,
  );
}

async function certifyRoot(app: App, fleet: Fleet, rollover: RolloverRecord): Promise<Succession> {
  const old = predecessor(app, fleet, rollover);
  const own = await certifyOwnKey(app, {
    ...certifiedRequest(rollover),
    profile: profiles.root,
    issuer: "self",
    purpose: "authority",
  });
  const successor = successorRecord(app, rollover, own);
  const newWithOld = await certifyNewWithOld(app, rollover, old);
  // The new root never vouches for a key that may be another's.
  const oldWithNew = rollover.emergency
    ? undefined
    : await certifyOldWithNew(app, old, issuerOf(app, successor));
  return {
    authority: withCross(successor, newWithOld),
    changed: oldWithNew === undefined ? [] : [withCross(old.record, oldWithNew)],
  };
}

/**
 * Makes the successor's key where there is none, and certifies it. An issuing authority by the root in force; a root by
 * itself, by its predecessor (NewWithOld), and its predecessor by it (OldWithNew), but for emergencies. Nothing but
 * certificate records is written. A repetition finds the same certificates, whatever died before.
 * @throws AppError authority_unavailable, key_offline, key_overdue, rollover_state_invalid (another root is in force),
 * configuration_invalid (the key is not deployed, or of another algorithm), those of issuance and of the ports.
 */
export async function certifySuccessor(
  app: App,
  fleet: Fleet,
  rollover: RolloverRecord,
): Promise<Succession> {
  if (rollover.kind === "root" && rollover.custody === "offline")
    return offlineSuccession(app, fleet, rollover);
  return rollover.kind === "issuing"
    ? certifyIssuing(app, fleet, rollover)
    : certifyRoot(app, fleet, rollover);
}
