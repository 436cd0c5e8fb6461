/**
 * Room: core/records. What the store knows of one certificate, from the moment before it is signed. The key
 * carries the fleet, so a serial number is unique in the fleet, whichever authority signs.
 */
import type { AuthorityAlgorithmId } from "../formats/algorithms.ts";
import { authorityAlgorithms } from "../formats/algorithms.ts";
import { canonicalText } from "../formats/name.ts";
import type { IndexName, Item, ItemKey, NewItem } from "../ports.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { number, optionalBytes, optionalNumber, optionalText, present, text, word } from "./attributes.ts";
import { shardOf } from "./shard.ts";

/** intended → issued → revoked; an intent that cannot be finished becomes closed. */
export type CertificateState = "intended" | "issued" | "revoked" | "closed";
/** Whose certificate it is; with the subject id it names the partition of `subjectPartition`. */
export type SubjectKind = "authority" | "device" | "server" | "operator" | "claim" | "backend" | "service";

export interface CertificateRecord {
  readonly fleet: string;
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  readonly state: CertificateState;
  readonly subjectKind: SubjectKind;
  readonly subjectId: string;
  readonly profile: ProfileId;
  readonly authorityId: string;
  /** The signing key and its row, so that an intent can be finished from its record alone. */
  readonly keyId: string;
  readonly algorithm: AuthorityAlgorithmId;
  readonly keyAlgorithm: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hexadecimal. */
  readonly keyFingerprint: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly createdAt: number;
  /** Opaque id of the credential that the request was authorised by. */
  readonly credential: string;
  /** While intended: until when the present signer has the intent for itself. */
  readonly leaseUntil: number;
  /** While intended: what is to be signed. */
  readonly tbs?: Uint8Array;
  /** Once issued. */
  readonly certificate?: Uint8Array;
  readonly issuedAt?: number;
  /** How many certificates were issued on this one as a credential; absent for none. */
  readonly renewals?: number;
  /** SHA-256 of the request that it answered, hexadecimal; absent from records of earlier releases. */
  readonly csrDigest?: string;
  /** Of a device's places of the hour in which it was made, the one it took: see `core/enrollment/device-guard.ts`. */
  readonly place?: number;
  /** Part of its authority's CRL that lists it when it is revoked; absent from records of earlier releases. */
  readonly crlShard?: string;
  readonly revokedAt?: number;
  readonly revocationReason?: string;
  readonly revokedBy?: string;
  /** When a hold on it was last taken back; absent where there was none, and then no list ever named it. */
  readonly releasedAt?: number;
}

/** A record as it was read, with the version on which the next write is conditioned. */
export interface Stored<Value> {
  readonly value: Value;
  readonly version: number;
}

/** `serialNumber` in lowercase hexadecimal. */
export function certificateKey(fleet: string, serialNumber: string): ItemKey {
  return { pk: `CERTIFICATE#${fleet}#${serialNumber}`, sk: "CERTIFICATE" };
}

/** Fixed-width time, so that text order is time order. */
export function timeKey(time: number): string {
  return new Date(time).toISOString();
}

/**
 * Index byDevice: all certificates of one subject, whatever the spelling of its id.
 * @throws AppError name_not_permitted for an id that has no canonical form.
 */
export const subjectPartition = (fleet: string, kind: SubjectKind, subjectId: string): string =>
  `SUBJECT#${fleet}#${kind}#${canonicalText(subjectId)}`;
/** Index byIssue: one shard of a fleet's issued certificates. `shard` as `shardOf` gives it. */
export const issuePartition = (fleet: string, shard: string): string => `ISSUED#${fleet}#${shard}`;
/** Index byExpiry: one shard of a fleet's issued certificates, by their end. */
export const expiryPartition = (fleet: string, shard: string): string => `EXPIRES#${fleet}#${shard}`;
/** Index open: one shard of a fleet's revoked certificates, by the time of their revocation. */
export const revokedIndexPartition = (fleet: string, shard: string): string => `REVOKED#${fleet}#${shard}`;
/** Index open: one shard of the unfinished intents of all fleets. `shard` as `shardOf` gives it. */
export const openPartition = (shard: string): string => `OPEN#${shard}`;

function indexesOf(record: CertificateRecord): Partial<Record<IndexName, ItemKey>> {
  const shard = shardOf(record.serialNumber);
  const byTime = `${timeKey(record.createdAt)}#${record.serialNumber}`;
  switch (record.state) {
    case "intended":
      return { open: { pk: openPartition(shard), sk: `${byTime}#${record.fleet}` } };
    case "closed":
      return {};
    case "issued":
      return issuedIndexes(record, shard);
    case "revoked":
      return {
        ...issuedIndexes(record, shard),
        open: {
          pk: revokedIndexPartition(record.fleet, shard),
          sk: `${timeKey(record.revokedAt ?? record.createdAt)}#${record.serialNumber}`,
        },
      };
  }
}

function issuedIndexes(record: CertificateRecord, shard: string): Partial<Record<IndexName, ItemKey>> {
  const { fleet, serialNumber, subjectKind, subjectId, createdAt, issuedAt = createdAt, notAfter } = record;
  return {
    byDevice: {
      pk: subjectPartition(fleet, subjectKind, subjectId),
      sk: `${timeKey(createdAt)}#${serialNumber}`,
    },
    byIssue: { pk: issuePartition(fleet, shard), sk: `${timeKey(issuedAt)}#${serialNumber}` },
    byExpiry: { pk: expiryPartition(fleet, shard), sk: `${timeKey(notAfter)}#${serialNumber}` },
  };
}

/**
 * The record as its whole item; its state decides which indexes show it.
 * @throws AppError name_not_permitted, see `subjectPartition`.
 */
export function certificateItem(record: CertificateRecord): NewItem {
  return {
    ...certificateKey(record.fleet, record.serialNumber),
    attributes: { ...record },
    indexes: indexesOf(record),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function certificateRecord(item: Item): Stored<CertificateRecord> {
  const optional = present({
    tbs: optionalBytes(item, "tbs"),
    certificate: optionalBytes(item, "certificate"),
    issuedAt: optionalNumber(item, "issuedAt"),
    renewals: optionalNumber(item, "renewals"),
    csrDigest: optionalText(item, "csrDigest"),
    place: optionalNumber(item, "place"),
    crlShard: optionalText(item, "crlShard"),
    revokedAt: optionalNumber(item, "revokedAt"),
    revocationReason: optionalText(item, "revocationReason"),
    revokedBy: optionalText(item, "revokedBy"),
    releasedAt: optionalNumber(item, "releasedAt"),
  }) as Partial<CertificateRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      serialNumber: text(item, "serialNumber"),
      state: word(item, "state", ["intended", "issued", "revoked", "closed"]),
      subjectKind: word(item, "subjectKind", [
        "authority",
        "device",
        "server",
        "operator",
        "claim",
        "backend",
        "service",
      ]),
      subjectId: text(item, "subjectId"),
      profile: word(item, "profile", Object.keys(profiles) as ProfileId[]),
      authorityId: text(item, "authorityId"),
      keyId: text(item, "keyId"),
      algorithm: word(item, "algorithm", Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[]),
      keyAlgorithm: text(item, "keyAlgorithm"),
      keyFingerprint: text(item, "keyFingerprint"),
      notBefore: number(item, "notBefore"),
      notAfter: number(item, "notAfter"),
      createdAt: number(item, "createdAt"),
      credential: text(item, "credential"),
      leaseUntil: number(item, "leaseUntil"),
      ...optional,
    },
  };
}
