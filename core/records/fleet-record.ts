/** Room: core/records. A fleet and its authorities share one partition: one query reads them all. */
import type { AuthorityAlgorithmId } from "../formats/algorithms.ts";
import { authorityAlgorithms } from "../formats/algorithms.ts";
import type { Item, NewItem } from "../ports.ts";
import { bytes, number, optionalText, present, text, word } from "./attributes.ts";

export interface FleetRecord {
  readonly fleet: string;
  /** SPIFFE trust domain of the fleet's identities. */
  readonly trustDomain: string;
  /** The authority that issues now. */
  readonly issuingAuthorityId: string;
  readonly createdAt: number;
}

export interface AuthorityRecord {
  readonly fleet: string;
  readonly authorityId: string;
  readonly kind: "root" | "issuing";
  readonly state: "active" | "draining" | "retired";
  readonly keyId: string;
  readonly algorithm: AuthorityAlgorithmId;
  readonly certificate: Uint8Array;
  /** The authority that signed this one; absent for a root. */
  readonly parentId?: string;
  readonly createdAt: number;
}

/** Partition of the fleet's record and of all its authorities. */
export const fleetPartition = (fleet: string): string => `FLEET#${fleet}`;
const fleetSortKey = "FLEET";

/** The record as its whole item, in no index. */
export function fleetItem(record: FleetRecord): NewItem {
  return { pk: fleetPartition(record.fleet), sk: fleetSortKey, attributes: { ...record } };
}

/** The record as its whole item, in no index; an absent `parentId` stays absent. */
export function authorityItem(record: AuthorityRecord): NewItem {
  return {
    pk: fleetPartition(record.fleet),
    sk: `AUTHORITY#${record.authorityId}`,
    attributes: present({ ...record }),
  };
}

/** Of the items in a fleet's partition: true for the fleet's own, false for an authority's. */
export const isFleetItem = (item: Item): boolean => item.sk === fleetSortKey;

/** @throws AppError internal when an attribute is missing or mistyped. */
export function fleetRecord(item: Item): FleetRecord {
  return {
    fleet: text(item, "fleet"),
    trustDomain: text(item, "trustDomain"),
    issuingAuthorityId: text(item, "issuingAuthorityId"),
    createdAt: number(item, "createdAt"),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function authorityRecord(item: Item): AuthorityRecord {
  const parentId = optionalText(item, "parentId");
  return {
    fleet: text(item, "fleet"),
    authorityId: text(item, "authorityId"),
    kind: word(item, "kind", ["root", "issuing"]),
    state: word(item, "state", ["active", "draining", "retired"]),
    keyId: text(item, "keyId"),
    algorithm: word(item, "algorithm", Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[]),
    certificate: bytes(item, "certificate"),
    createdAt: number(item, "createdAt"),
    ...(parentId === undefined ? {} : { parentId }),
  };
}
