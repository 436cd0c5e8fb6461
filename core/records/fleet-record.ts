/** Room: core/records. A fleet and its authorities share one partition: one query reads them all. */
import type { AuthorityAlgorithmId } from "../formats/algorithms.ts";
import { authorityAlgorithms } from "../formats/algorithms.ts";
import type { Item, NewItem } from "../ports.ts";
import { bytes, number, optionalText, optionalTexts, present, text, word } from "./attributes.ts";

export interface FleetRecord {
  readonly fleet: string;
  /** SPIFFE trust domain of the fleet's identities. */
  readonly trustDomain: string;
  /** The authority that issues now. */
  readonly issuingAuthorityId: string;
  readonly createdAt: number;
  /** A suspended fleet issues nothing and lets in nobody but its operators. @default "active" */
  readonly state: "active" | "suspended";
  /** `https://host[:port]` of the page at which operators use their passkeys; absent: there are none. */
  readonly origin?: string;
  /**
   * Where the fleet's public artefacts are, the present place first: `https://host…/fleets/{fleet}`, without a slash at
   * the end. Certificates name the first; the others stand in certificates that are still in force.
   */
  readonly artifactBases?: readonly string[];
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
const authorityPrefix = "AUTHORITY#";

/** The record as its whole item, in no index. */
export function fleetItem(record: FleetRecord): NewItem {
  return { pk: fleetPartition(record.fleet), sk: fleetSortKey, attributes: present({ ...record }) };
}

/** The record as its whole item, in no index; an absent `parentId` stays absent. */
export function authorityItem(record: AuthorityRecord): NewItem {
  return {
    pk: fleetPartition(record.fleet),
    sk: `${authorityPrefix}${record.authorityId}`,
    attributes: present({ ...record }),
  };
}

/** Of the items in a fleet's partition: true for the fleet's own. */
export const isFleetItem = (item: Item): boolean => item.sk === fleetSortKey;
/** Of the items in a fleet's partition: true for an authority's. */
export const isAuthorityItem = (item: Item): boolean => item.sk.startsWith(authorityPrefix);

/** @throws AppError internal when an attribute is missing or mistyped. */
export function fleetRecord(item: Item): FleetRecord {
  const origin = optionalText(item, "origin");
  const artifactBases = optionalTexts(item, "artifactBases");
  return {
    fleet: text(item, "fleet"),
    trustDomain: text(item, "trustDomain"),
    issuingAuthorityId: text(item, "issuingAuthorityId"),
    createdAt: number(item, "createdAt"),
    // Fleets made before there was a state are active.
    state:
      optionalText(item, "state") === undefined ? "active" : word(item, "state", ["active", "suspended"]),
    ...(origin === undefined ? {} : { origin }),
    ...(artifactBases === undefined ? {} : { artifactBases }),
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
