/**
 * Room: core/records. The key of a subject: what wraps the data keys of everything that is protected for it. It is
 * kept in a store of its own (`subjectKeys`), under the fleet's wrapping key and never in the clear. The keys of a
 * fleet are spread over 256 partitions by a hash of their subject, and found again by walking these.
 */
import { hash } from "node:crypto";
import type { EncryptionContext, Item, ItemKey, NewItem } from "../ports.ts";
import { bytes, number, text } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface SubjectKeyRecord {
  readonly fleet: string;
  /** Opaque; exactly as callers give it. */
  readonly subject: string;
  /** From 1; new data go under the highest. */
  readonly version: number;
  /** The wrapping key, see `WrappedKey`. */
  readonly keyId: string;
  readonly wrapped: Uint8Array;
  /** Which form of context it is wrapped with, see `subjectKeyContext`. */
  readonly contextVersion: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  readonly wrappedAt: number;
}

/** All parts of a fleet's subject keys, "00" to "ff". */
export const subjectKeyParts: readonly string[] = Array.from({ length: 256 }, (_, index) =>
  index.toString(16).padStart(2, "0"),
);

export const subjectKeyPart = (subject: string): string => hash("sha256", subject).slice(0, 2);

export const subjectKeyPartition = (fleet: string, part: string): string => `SUBJECTKEY#${fleet}#${part}`;

const versionText = (version: number): string => version.toString().padStart(4, "0");

/** "#" is in no subject, so no subject's keys stand among another's. */
const keyPrefix = (subject: string): string => `${subject}#KEY#`;

export function subjectKeyKey(fleet: string, subject: string, version: number): ItemKey {
  return {
    pk: subjectKeyPartition(fleet, subjectKeyPart(subject)),
    sk: `${keyPrefix(subject)}${versionText(version)}`,
  };
}

/** Bounds of the sort keys of all versions of a subject's key. */
export function subjectKeyRange(subject: string): { readonly from: string; readonly to: string } {
  return { from: keyPrefix(subject), to: `${keyPrefix(subject)}~` };
}

export function subjectKeyItem(record: SubjectKeyRecord): NewItem {
  return { ...subjectKeyKey(record.fleet, record.subject, record.version), attributes: { ...record } };
}

/** Of the items in a part: true for a key, false for a tombstone. */
export const isSubjectKeyItem = (item: Item): boolean => item.sk.includes("#KEY#");

/** @throws AppError internal when an attribute is missing or mistyped. */
export function subjectKeyRecord(item: Item): Stored<SubjectKeyRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      subject: text(item, "subject"),
      version: number(item, "version"),
      keyId: text(item, "keyId"),
      wrapped: bytes(item, "wrapped"),
      contextVersion: number(item, "contextVersion"),
      createdAt: number(item, "createdAt"),
      wrappedAt: number(item, "wrappedAt"),
    },
  };
}

/** The form of context that subject keys are wrapped with from now on. */
export const currentContextVersion = 1;

/**
 * What the wrapping key binds a subject key to. `fleet` stands in it by that very name: policies of the key service
 * let a fleet's key open nothing that names another.
 */
export function subjectKeyContext(
  record: Pick<SubjectKeyRecord, "fleet" | "subject" | "version" | "contextVersion">,
): EncryptionContext {
  const { fleet, subject, version, contextVersion } = record;
  return {
    fleet,
    purpose: "fleetkey-subject-key",
    subject,
    version: String(version),
    "context-version": String(contextVersion),
  };
}

/** The name of a subject key in messages. */
export const subjectKeyName = ({
  fleet,
  subject,
  version,
}: Pick<SubjectKeyRecord, "fleet" | "subject" | "version">): string =>
  `subject-key:${fleet}:${subject}:${version}`;

/** Stands where the keys of a subject were: no key is ever made for it again. */
export function subjectTombstoneKey(fleet: string, subject: string): ItemKey {
  return { pk: subjectKeyPartition(fleet, subjectKeyPart(subject)), sk: `${subject}#SHREDDED` };
}

/** The same of a whole fleet. */
export function fleetTombstoneKey(fleet: string): ItemKey {
  return { pk: `SUBJECTKEYS#${fleet}`, sk: "SHREDDED" };
}

export function tombstoneItem(key: ItemKey, shredId: string, shreddedAt: number): NewItem {
  return { ...key, attributes: { shredId, shreddedAt } };
}
