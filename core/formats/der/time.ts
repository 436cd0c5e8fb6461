/** Room: core/formats. Times as RFC 5280 §4.1.2.5 profiles them: to the second, in UTC, no fraction. */
import { malformed } from "./header.ts";
import { tag } from "./tag.ts";

/** RFC 5280 §4.1.2.5: "no well-defined expiration date", as IDevID certificates carry it. */
export const noExpiry = Date.UTC(9999, 11, 31, 23, 59, 59);

/** The number that two ASCII digits stand for; NaN when they are not two digits. */
function twoDigits(content: Uint8Array, at: number): number {
  const tens = (content[at] ?? 0) - 0x30;
  const ones = (content[at + 1] ?? 0) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

const isGeneralized = (kind: number, content: Uint8Array): boolean =>
  kind === tag.generalizedTime && content.length === 15 && content[14] === 0x5a;

const generalizedYear = (content: Uint8Array): number => twoDigits(content, 0) * 100 + twoDigits(content, 2);

/** Four-digit year of a time whose form is right as far as tag, length and the final Z go. */
function yearOf(kind: number, content: Uint8Array, offset: number): number {
  if (kind === tag.utcTime && content.length === 13 && content[12] === 0x5a) {
    const year = twoDigits(content, 0);
    // RFC 5280 §4.1.2.5.1: two-digit years from 50 are 19YY.
    return year >= 50 ? 1900 + year : 2000 + year;
  }
  if (isGeneralized(kind, content)) {
    const year = generalizedYear(content);
    if (year < 2050) throw malformed(offset, "GeneralizedTime before 2050; use UTCTime");
    return year;
  }
  throw malformed(offset, "time is not YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ");
}

/** Milliseconds since the epoch of what follows the year, which is the same in both kinds. */
function timeIn(year: number, content: Uint8Array, offset: number): number {
  const at = content.length - 11;
  const month = twoDigits(content, at);
  const day = twoDigits(content, at + 2);
  const hour = twoDigits(content, at + 4);
  const minute = twoDigits(content, at + 6);
  const second = twoDigits(content, at + 8);
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  if (Number.isNaN(time)) throw malformed(offset, "time holds other characters than digits");
  const inRange = month >= 1 && month <= 12 && day >= 1 && hour < 24 && minute < 60 && second < 60;
  // Date.UTC carries the 30th of February into March.
  if (!inRange || new Date(time).getUTCDate() !== day)
    throw malformed(offset, "time names a date that does not exist");
  return time;
}

/**
 * Milliseconds since the epoch. Dates through 2049 must be UTCTime, later ones GeneralizedTime.
 * @throws AppError der_malformed: another form, a fraction, an offset, a date that does not exist.
 */
export function decodeTime(kind: number, content: Uint8Array, offset: number): number {
  return timeIn(yearOf(kind, content, offset), content, offset);
}

/**
 * A time that is GeneralizedTime in every year, as in OCSP (RFC 6960 §4.2.1), in the form of RFC 5280
 * §4.1.2.5.2: milliseconds since the epoch, from 1950 on.
 * @throws AppError der_malformed: another form, a fraction, an offset, a date that does not exist.
 */
export function decodeGeneralizedTime(kind: number, content: Uint8Array, offset: number): number {
  if (!isGeneralized(kind, content)) throw malformed(offset, "time is not GeneralizedTime YYYYMMDDHHMMSSZ");
  const year = generalizedYear(content);
  if (year < 1950) throw malformed(offset, "time is before 1950");
  return timeIn(year, content, offset);
}

const digits = (value: number): string => (value < 10 ? `0${value}` : `${value}`);

/** Year and the text that follows it. @throws AppError der_malformed: no whole second from 1950 to 9999. */
function fieldsOf(time: number): { readonly year: number; readonly rest: string } {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  if (!Number.isInteger(time / 1000) || year < 1950 || year > 9999) {
    throw malformed(0, `time ${time} is not a whole second from 1950 to 9999`);
  }
  const rest =
    digits(date.getUTCMonth() + 1) +
    digits(date.getUTCDate()) +
    digits(date.getUTCHours()) +
    digits(date.getUTCMinutes()) +
    `${digits(date.getUTCSeconds())}Z`;
  return { year, rest };
}

/**
 * Tag and text for `time` (milliseconds since the epoch, whole seconds, 1950 to 9999).
 * @throws AppError der_malformed for any other time.
 */
export function encodeTime(time: number): { readonly tag: number; readonly text: string } {
  const { year, rest } = fieldsOf(time);
  return year < 2050
    ? { tag: tag.utcTime, text: digits(year % 100) + rest }
    : { tag: tag.generalizedTime, text: `${year}${rest}` };
}

/** Text of a GeneralizedTime for `time`, as `encodeTime` takes it, whatever the year. */
export function encodeGeneralizedTime(time: number): string {
  const { year, rest } = fieldsOf(time);
  return `${year}${rest}`;
}
