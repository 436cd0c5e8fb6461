/**
 * Room: core/distribution. The cursor of a search: the place of the last row that was read, in the order of the index,
 * and a fingerprint of the search. A place does not move when certificates are added, so a cursor stays good.
 */
import { hash } from "node:crypto";
import { AppError } from "../errors.ts";

/** A time and a serial number: see the index keys of `core/records/certificate-record.ts`. */
const placePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z#[0-9a-f]{2,40}$/;
const fingerprintCharacters = 16;

/** `identity`: all that makes it this search and no other. The limit may differ from page to page. */
const fingerprint = (identity: readonly unknown[]): string =>
  hash("sha256", JSON.stringify(identity.map((part) => part ?? null)), "base64url").slice(
    0,
    fingerprintCharacters,
  );

export function encodeSearchCursor(identity: readonly unknown[], place: string): string {
  return Buffer.from(fingerprint(identity) + place, "latin1").toString("base64url");
}

/** The place. @throws AppError cursor_invalid for what this search never gave. */
export function decodeSearchCursor(identity: readonly unknown[], cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString("latin1");
  const place = text.slice(fingerprintCharacters);
  const isOurs =
    text.startsWith(fingerprint(identity)) &&
    placePattern.test(place) &&
    encodeSearchCursor(identity, place) === cursor;
  if (isOurs) return place;
  throw new AppError(
    "cursor_invalid",
    "the cursor is not one that this very search gave; start without one, and change nothing but the limit",
  );
}
