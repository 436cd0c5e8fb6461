/** Room: core/records. A fleet and its authorities share one partition: one query reads them all. */
import type { AuthorityAlgorithmId } from "../formats/algorithms.ts";
import { authorityAlgorithms } from "../formats/algorithms.ts";
import type { Item, NewItem } from "../ports.ts";
import {
  bytes,
  number,
  optionalNumber,
  optionalText,
  optionalTexts,
  present,
  text,
  word,
} from "./attributes.ts";

export interface FleetRecord {
  readonly fleet: string;
  /** SPIFFE trust domain of the fleet's identities. */
  readonly trustDomain: string;
  /** The authority that issues now. */
  readonly issuingAuthorityId: string;
  /** The OCSP responder's key that signs from now on. @default "ocsp-1" */
  readonly responderId?: string;
  /** When that key was first used. @default when the fleet was made */
  readonly responderSince?: number;
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
  /** When two people had its protected data shredded: no key of its data is made or opened any more. */
  readonly dataShreddedAt?: number;
}

/**
 * published: it is trusted, and does not sign yet; active: it signs; draining: it signs lists alone, and what it issued
 * counts until it expires; retired: out of the trust; destroyed: its key is on its way to destruction.
 */
export const authorityStates = ["published", "active", "draining", "retired", "destroyed"] as const;
export type AuthorityState = (typeof authorityStates)[number];

export interface AuthorityRecord {
  readonly fleet: string;
  readonly authorityId: string;
  readonly kind: "root" | "issuing";
  readonly state: AuthorityState;
  /** The key service's name for it; of a root whose key is kept offline, a name that no key service knows. */
  readonly keyId: string;
  readonly algorithm: AuthorityAlgorithmId;
  readonly certificate: Uint8Array;
  /** The authority that signed this one; absent for a root. */
  readonly parentId?: string;
  readonly createdAt: number;
  /** Where the key is. @default in the key service */
  readonly custody?: "offline";
  /**
   * Certificates of this root's key that other roots of the fleet signed (RFC 9810 §4.4), DER in base64: whoever trusts
   * the one reaches what the other issued.
   */
  readonly crossCertificates?: readonly string[];
  /** When it came into its state; absent from records of earlier releases. */
  readonly changedAt?: number;
}

/** Relying parties accept what it signed. */
export const isTrusted = ({ state }: Pick<AuthorityRecord, "state">): boolean =>
  state !== "retired" && state !== "destroyed";

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
  const responderId = optionalText(item, "responderId");
  const responderSince = optionalNumber(item, "responderSince");
  const dataShreddedAt = optionalNumber(item, "dataShreddedAt");
  return {
    fleet: text(item, "fleet"),
    trustDomain: text(item, "trustDomain"),
    issuingAuthorityId: text(item, "issuingAuthorityId"),
    createdAt: number(item, "createdAt"),
    // Fleets made before there was a state are active.
    state:
      optionalText(item, "state") === undefined ? "active" : word(item, "state", ["active", "suspended"]),
    ...(origin === undefined ? {} : { origin }),
    ...(responderId === undefined ? {} : { responderId }),
    ...(responderSince === undefined ? {} : { responderSince }),
    ...(artifactBases === undefined ? {} : { artifactBases }),
    ...(dataShreddedAt === undefined ? {} : { dataShreddedAt }),
  };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function authorityRecord(item: Item): AuthorityRecord {
  const parentId = optionalText(item, "parentId");
  const crossCertificates = optionalTexts(item, "crossCertificates");
  const changedAt = optionalNumber(item, "changedAt");
  return {
    fleet: text(item, "fleet"),
    authorityId: text(item, "authorityId"),
    kind: word(item, "kind", ["root", "issuing"]),
    state: word(item, "state", authorityStates),
    keyId: text(item, "keyId"),
    algorithm: word(item, "algorithm", Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[]),
    certificate: bytes(item, "certificate"),
    createdAt: number(item, "createdAt"),
    ...(parentId === undefined ? {} : { parentId }),
    ...(optionalText(item, "custody") === undefined ? {} : { custody: word(item, "custody", ["offline"]) }),
    ...(crossCertificates === undefined ? {} : { crossCertificates }),
    ...(changedAt === undefined ? {} : { changedAt }),
  };
}
