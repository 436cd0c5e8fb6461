/**
 * Room: core/records. Enrolment requests that wait for an operator. A fleet has a fixed number of places for them,
 * four for each of 256 beginnings of a request's digest, so that a flood of strangers costs a bounded table and a
 * request is found again by its digest in one read.
 */
import type { Item, ItemKey, ItemQuery, NewItem } from "../ports.ts";
import { accessLimits } from "../standard/access.ts";
import { number, optionalNumber, optionalText, present, text, word } from "./attributes.ts";

export type EnrollmentRequestState = "pending" | "approved" | "denied" | "issued";

export interface EnrollmentRequestRecord {
  /** SHA-256 of the CSR, lowercase hexadecimal. */
  readonly requestId: string;
  readonly deviceId: string;
  readonly keyAlgorithm: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lowercase hexadecimal. */
  readonly keyFingerprint: string;
  readonly state: EnrollmentRequestState;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
  /** From then on the place is anybody's. */
  readonly expiresAt: number;
  readonly decidedAt?: number;
  readonly decidedBy?: string;
}

/** One place as it was read: `version` 0 when nothing was ever put there. */
export interface RequestPlace {
  readonly key: ItemKey;
  readonly version: number;
  readonly record?: EnrollmentRequestRecord;
}

const ways = 4;
/** Two hexadecimal digits of the digest name one of 256 sets. */
const setDigits = 2;

export const requestPartition = (fleet: string): string => `ENROLLMENT-REQUEST#${fleet}`;

/** Reads all requests of a fleet. */
export const allRequests = (fleet: string): ItemQuery => ({
  pk: requestPartition(fleet),
  limit: accessLimits.openRequests,
});

const placeName = (requestId: string, way: number): string => `${requestId.slice(0, setDigits)}#${way}`;

/** Reads the places that a request may have. */
export const requestPlacesQuery = (fleet: string, requestId: string): ItemQuery => ({
  pk: requestPartition(fleet),
  from: placeName(requestId, 0),
  to: placeName(requestId, ways - 1),
  limit: ways,
});

/** All four places, from the items that the query above gave. */
export function requestPlaces(
  fleet: string,
  requestId: string,
  items: readonly Item[],
): readonly RequestPlace[] {
  return Array.from({ length: ways }, (_, way) => {
    const key = { pk: requestPartition(fleet), sk: placeName(requestId, way) };
    const item = items.find(({ sk }) => sk === key.sk);
    return item === undefined
      ? { key, version: 0 }
      : { key, version: item.version, record: enrollmentRequestRecord(item) };
  });
}

export function enrollmentRequestItem(key: ItemKey, record: EnrollmentRequestRecord): NewItem {
  const attributes = present({ ...record });
  return { ...key, attributes, expiresAt: Math.ceil(record.expiresAt / 1000) };
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function enrollmentRequestRecord(item: Item): EnrollmentRequestRecord {
  const optional = present({
    decidedAt: optionalNumber(item, "decidedAt"),
    decidedBy: optionalText(item, "decidedBy"),
  }) as Partial<EnrollmentRequestRecord>;
  return {
    requestId: text(item, "requestId"),
    deviceId: text(item, "deviceId"),
    keyAlgorithm: text(item, "keyAlgorithm"),
    keyFingerprint: text(item, "keyFingerprint"),
    state: word(item, "state", ["pending", "approved", "denied", "issued"]),
    requestedAt: number(item, "requestedAt"),
    expiresAt: number(item, "expiresAt"),
    ...optional,
  };
}
