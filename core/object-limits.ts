/**
 * Room: core. What every ObjectStore refuses before it touches its disk or bucket, so that what works on one store
 * works on all: keys that S3 and any file system can hold, headers that travel as they are.
 */
import { AppError } from "./errors.ts";
import type { NewObject } from "./ports.ts";

/** Octets. Segments: with two for a capital or a colon they still fit the 255 of a file name. */
export const objectLimits = {
  keyBytes: 512,
  segmentBytes: 120,
  /** A function holds an object in memory, twice for a moment. */
  objectBytes: 64_000_000,
  headerBytes: 255,
} as const;

// First a letter or a digit: no segment is "." or "..", none is hidden, none reads as a flag of a command.
const segmentPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/;
const token = "[A-Za-z0-9!#$&^_.+-]+";
const text = '(?:[A-Za-z0-9!#$&^_.+-]+|"[A-Za-z0-9 !#$&^_.,:;=/+-]*")';
// RFC 9110 §8.3.1, written in one way only, so that a store that parses it writes the same again.
const mediaType = new RegExp(`^${token}/${token}(?:; ?${token}=${text})*$`);
// RFC 9111 §5.2: directives parted by commas.
const cacheDirectives = new RegExp(`^${token}(?:=${text})?(?:, ?${token}(?:=${text})?)*$`);

function refuse(message: string): never {
  throw new AppError("store_limit_exceeded", message);
}

/**
 * What every operation refuses. Messages count and never quote: a key may be the very datum that must not travel.
 * @throws AppError store_limit_exceeded: empty, too long, an empty segment, a segment that is too long, holds other
 * characters than A-Z, a-z, 0-9, dot, underscore, colon and hyphen, or begins with none of a letter and a digit.
 */
export function checkObjectKey(key: string): void {
  const length = Buffer.byteLength(key);
  if (length < 1 || length > objectLimits.keyBytes) {
    refuse(`object key has ${length} octets, limit 1 to ${objectLimits.keyBytes}; use a shorter one`);
  }
  for (const [at, segment] of key.split("/").entries()) {
    if (segment.length > objectLimits.segmentBytes) {
      refuse(
        `segment ${at} of an object key has ${segment.length} octets, limit ${objectLimits.segmentBytes}; ` +
          'shorten it or part it by "/"',
      );
    }
    if (segmentPattern.test(segment)) continue;
    refuse(
      `segment ${at} of an object key, of ${segment.length} characters, is refused; limit A-Z, a-z, 0-9, ` +
        'dot, underscore, colon and hyphen, the first a letter or a digit; no "/" at either end or twice in a row',
    );
  }
}

function checkHeader(value: string, form: RegExp, what: string, example: string): void {
  const fits = value.length <= objectLimits.headerBytes && form.test(value);
  if (fits) return;
  refuse(
    `${what} of ${value.length} characters is refused; limit ${objectLimits.headerBytes}, in the form ${example}`,
  );
}

/**
 * What `ObjectStore.put` refuses before it looks at any condition.
 * @throws AppError store_limit_exceeded: key, size, media type or Cache-Control.
 */
export function checkObject(key: string, object: NewObject): void {
  checkObjectKey(key);
  checkObjectSize(object.body.byteLength);
  checkHeader(object.contentType, mediaType, "media type", "type/subtype; name=value");
  if (object.cacheControl !== undefined) {
    checkHeader(object.cacheControl, cacheDirectives, "Cache-Control", "public, max-age=300");
  }
}

/** Also for what a store finds: another writer than this product may have put it there. */
export function checkObjectSize(octets: number): void {
  if (octets <= objectLimits.objectBytes) return;
  refuse(`object has ${octets} octets, limit ${objectLimits.objectBytes}; split it`);
}
