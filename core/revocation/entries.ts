/**
 * Room: core/revocation. What is written when trust in a certificate is taken back, for good or for now, and when a
 * hold ends: its record, the entry that lists are made from, and the audit, to be one transaction.
 */
import { type AuditAction, auditEntry } from "../audit/entry.ts";
import { AppError } from "../errors.ts";
import { type CrlReason, crlReasons } from "../formats/crl/reason.ts";
import type { App, KeylessApp, NewItem, WriteOperation } from "../ports.ts";
import { type CertificateRecord, certificateItem, type Stored } from "../records/certificate-record.ts";
import {
  type RevocationEntry,
  revocationEntry,
  revocationEntryItem,
  revocationEntryKey,
} from "../records/revocation-entry.ts";
import { revocationStandard } from "../standard/revocation.ts";
import { type HoldReason, holdReason, type RevocationReason } from "./reason.ts";
import { completeShard, crlShardOf, shardRetirement, shardWindow } from "./shard.ts";

export interface RevocationAct {
  /** Who asks, as the audit log names it. */
  readonly actor: string;
  /** cACompromise: of an authority's own certificate, when its key is lost to us. */
  readonly reason: RevocationReason | HoldReason | "cACompromise";
  /** From `earlierEntry`: what lists are made from as it stands. */
  readonly entry?: Stored<RevocationEntry> | undefined;
}

/** Seconds after its shard's retirement in which an entry is kept, should its publisher stand still. */
const entryMarginSeconds = 90 * 86_400;

/** The part of its issuer's list that a certificate belongs to. Earlier releases did not write it down. */
export function listOf(record: CertificateRecord): string {
  if (record.crlShard !== undefined) return record.crlShard;
  // A root signs authorities, and nothing else has one for its issuer.
  if (record.subjectKind === "authority") return completeShard;
  return crlShardOf(record.notAfter, revocationStandard.crlWindowDays.default);
}

export const isHeld = (record: CertificateRecord): boolean =>
  record.state === "revoked" && record.revocationReason === holdReason;

/** The entry as its whole item, which a store may drop long after the shard has gone. */
export function entryItem(entry: RevocationEntry): NewItem {
  const window = shardWindow(entry.crlShard);
  if (window === undefined) return revocationEntryItem(entry);
  return revocationEntryItem(entry, Math.ceil(shardRetirement(window) / 1000) + entryMarginSeconds);
}

/** False once the list has gone with the last of its certificates: then there is no place to write to. */
function hasList(record: CertificateRecord, now: number): boolean {
  const window = shardWindow(listOf(record));
  return window === undefined || now < shardRetirement(window);
}

function entryKeyOf(record: CertificateRecord) {
  const { fleet, authorityId, serialNumber } = record;
  return { fleet, authorityId, serialNumber, crlShard: listOf(record) };
}

/** The entry of a certificate that was on hold once, or is; no read where there can be none. */
export async function earlierEntry(
  app: KeylessApp,
  record: CertificateRecord,
): Promise<Stored<RevocationEntry> | undefined> {
  if (record.releasedAt === undefined && record.state !== "revoked") return undefined;
  const item = await app.items.get(revocationEntryKey(entryKeyOf(record)));
  return item === undefined ? undefined : revocationEntry(item);
}

function crlReason(record: CertificateRecord): CrlReason {
  const { revocationReason = "unspecified" } = record;
  return revocationReason in crlReasons ? (revocationReason as CrlReason) : "unspecified";
}

/** What lists are to say of a record in state revoked, or of one whose hold has ended. No list says it yet. */
function entryOf(record: CertificateRecord, changedAt: number, before?: RevocationEntry): RevocationEntry {
  const key = entryKeyOf(record);
  if (record.state !== "revoked")
    return {
      ...key,
      state: "released",
      reason: holdReason,
      revokedAt: before?.revokedAt ?? changedAt,
      changedAt,
    };
  return {
    ...key,
    state: "revoked",
    reason: crlReason(record),
    revokedAt: record.revokedAt ?? record.createdAt,
    changedAt,
  };
}

type Writer = Pick<App, "clock" | "entropy">;

/** A record as it is to be, and the operations that make it so. */
export interface StatusChange {
  readonly record: CertificateRecord;
  readonly operations: readonly WriteOperation[];
}

function statusChange(
  app: Writer,
  { record, version }: { readonly record: CertificateRecord; readonly version: number },
  entry: Stored<RevocationEntry> | undefined,
  act: { readonly action: AuditAction; readonly actor: string; readonly reason?: string },
): StatusChange {
  const now = app.clock.now();
  const { fleet, serialNumber } = record;
  const next = entryItem(entryOf(record, now, entry?.value));
  const operations: readonly WriteOperation[] = [
    { put: certificateItem(record), when: version },
    auditEntry(app, { fleet, subject: serialNumber, result: "success", ...act }),
    // A list that is late in going still reads what there is.
    ...(entry !== undefined || hasList(record, now)
      ? [{ put: next, when: entry?.version ?? ("absent" as const) }]
      : []),
  ];
  return { record, operations };
}

/**
 * Of a certificate that is issued, or on hold. A hold that becomes final keeps its date: trust ended with the hold.
 * The operations, two or three, fail together with store_condition_failed when the certificate or its entry has
 * changed since it was read.
 */
export function revocationChange(
  app: Writer,
  { value, version }: Stored<CertificateRecord>,
  { actor, reason, entry }: RevocationAct,
): StatusChange {
  const heldSince = isHeld(value) ? value.revokedAt : undefined;
  const record: CertificateRecord = {
    ...value,
    crlShard: listOf(value),
    state: "revoked",
    revokedAt: heldSince ?? app.clock.now(),
    revocationReason: reason,
    revokedBy: actor,
  };
  const action = reason === holdReason ? "certificate.held" : "certificate.revoked";
  return statusChange(app, { record, version }, entry, { action, actor, reason });
}

/**
 * For a record that an earlier release revoked: the entry that it did not write, and the list's name in the record.
 * Nothing when that list has gone.
 */
export function listedWrites(
  app: Writer,
  { value, version }: Stored<CertificateRecord>,
): readonly WriteOperation[] {
  const now = app.clock.now();
  if (!hasList(value, now)) return [];
  const record = { ...value, crlShard: listOf(value) };
  return [
    { put: certificateItem(record), when: version },
    { put: entryItem(entryOf(record, now)), when: "absent" },
  ];
}

/** The operations alone, for whoever batches them. */
export function revocationWrites(
  app: Writer,
  stored: Stored<CertificateRecord>,
  act: RevocationAct,
): readonly WriteOperation[] {
  return revocationChange(app, stored, act).operations;
}

/** The same for a certificate on hold that is to be trusted again. @throws AppError internal: it has no entry. */
export function releaseChange(
  app: Writer,
  { value, version }: Stored<CertificateRecord>,
  { actor, entry }: Pick<RevocationAct, "actor" | "entry">,
): StatusChange {
  const { revokedAt: _at, revocationReason: _reason, revokedBy: _by, ...rest } = value;
  const record: CertificateRecord = { ...rest, state: "issued", releasedAt: app.clock.now() };
  if (entry === undefined && hasList(record, app.clock.now()))
    throw new AppError("internal", `certificate ${record.serialNumber} is on hold without an entry`);
  return statusChange(app, { record, version }, entry, { action: "certificate.released", actor });
}
