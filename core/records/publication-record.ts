/**
 * Room: core/records. How far the publication of a fleet's trust has come, and the keys that sign it, in one
 * partition. The state names the version before it is signed, so that no two contents ever have one number.
 */
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../formats/algorithms.ts";
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { bytes, number, optionalText, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export interface PublicationRecord {
  readonly fleet: string;
  /** The highest version that was ever taken. */
  readonly trustVersion: number;
  /** What that version says: the payload that is signed. */
  readonly payload: string;
  /** `signerId` of who signs it. */
  readonly signerId: string;
  /** SHA-256 of its content, without number and times, hexadecimal: another content asks for another version. */
  readonly contentDigest: string;
  /** When it ends, and when it is replaced though nothing has changed; milliseconds since the epoch. */
  readonly nextUpdate: number;
  readonly refreshAt: number;
  /** The highest version of which everything is in its place; 0 before the first. */
  readonly placedVersion: number;
  /** SHA-256 of that version's text, hexadecimal: what the next one names as `previous`. */
  readonly placedSha256?: string;
}

export interface TrustSignerRecord {
  readonly fleet: string;
  /** `trust-1`, then `trust-2` …; the key's alias behind the fleet's name. */
  readonly signerId: string;
  readonly keyId: string;
  readonly algorithm: AuthorityAlgorithmId;
  /** DER; a root signed it. */
  readonly certificate: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** next: manifests name it, and it does not sign yet. */
  readonly state: "active" | "next" | "former";
}

export const publicationPartition = (fleet: string): string => `PUBLICATION#${fleet}`;

export const publicationKey = (fleet: string): ItemKey => ({ pk: publicationPartition(fleet), sk: "STATE" });

const signerPrefix = "SIGNER#";

/** Bounds of a query for a fleet's signers. */
export const signerRange = { from: signerPrefix, to: `${signerPrefix}~` } as const;

export function publicationItem(record: PublicationRecord): NewItem {
  return { ...publicationKey(record.fleet), attributes: present({ ...record }) };
}

export function trustSignerItem(record: TrustSignerRecord): NewItem {
  return {
    pk: publicationPartition(record.fleet),
    sk: `${signerPrefix}${record.signerId}`,
    attributes: { ...record },
  };
}

/** @throws AppError internal when an attribute is missing or mistyped. */
export function publicationRecord(item: Item): Stored<PublicationRecord> {
  const placedSha256 = optionalText(item, "placedSha256");
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      trustVersion: number(item, "trustVersion"),
      payload: text(item, "payload"),
      signerId: text(item, "signerId"),
      contentDigest: text(item, "contentDigest"),
      nextUpdate: number(item, "nextUpdate"),
      refreshAt: number(item, "refreshAt"),
      placedVersion: number(item, "placedVersion"),
      ...(placedSha256 === undefined ? {} : { placedSha256 }),
    },
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function trustSignerRecord(item: Item): Stored<TrustSignerRecord> {
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      signerId: text(item, "signerId"),
      keyId: text(item, "keyId"),
      algorithm: word(item, "algorithm", Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[]),
      certificate: bytes(item, "certificate"),
      createdAt: number(item, "createdAt"),
      state: word(item, "state", ["active", "next", "former"]),
    },
  };
}
