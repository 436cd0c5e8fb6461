/** Room: core/formats. Times as RFC 5280 §4.1.2.5 profiles them: to the second, in UTC, no fraction. */
import { malformed } from "./header.ts";
import { tag } from "./tag.ts";

const utcTime = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const generalizedTime = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** RFC 5280 §4.1.2.5: "no well-defined expiration date", as IDevID certificates carry it. */
export const noExpiry = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Milliseconds since the epoch. Dates through 2049 must be UTCTime, later ones GeneralizedTime. */
export function decodeTime(kind: number, content: Uint8Array, offset: number): number {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("latin1");
  const match =
    kind === tag.utcTime
      ? utcTime.exec(text)
      : kind === tag.generalizedTime
        ? generalizedTime.exec(text)
        : null;
  if (match === null) throw malformed(offset, "time is not YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  // RFC 5280 §4.1.2.5.1: two-digit years from 50 are 19YY.
  const fullYear = kind === tag.utcTime ? (year >= 50 ? 1900 + year : 2000 + year) : year;
  if (kind === tag.generalizedTime && fullYear < 2050) throw malformed(offset, "GeneralizedTime before 2050");
  const time = Date.UTC(fullYear, month - 1, day, hour, minute, second);
  const date = new Date(time);
  const real =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!real) throw malformed(offset, "time names a date that does not exist");
  return time;
}

/** Tag and text for `time` (milliseconds since the epoch, whole seconds, 1950 to 9999). */
export function encodeTime(time: number): { readonly tag: number; readonly text: string } {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  if (!Number.isInteger(time / 1000) || year < 1950 || year > 9999) {
    throw malformed(0, `time ${time} is not a whole second from 1950 to 9999`);
  }
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:T]/g, "");
  return year < 2050
    ? { tag: tag.utcTime, text: digits.slice(2) }
    : { tag: tag.generalizedTime, text: digits };
}
