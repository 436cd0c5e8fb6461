/**
 * Room: core/formats. revokedCertificates (RFC 5280 §5.1.2.6), written straight into one buffer: a list may have
 * 100,000 entries, and an object or a Buffer for each part of each entry would cost more than all the octets.
 */
import { AppError } from "../../errors.ts";
import { tag } from "../der/tag.ts";
import { encodeSequence, encodeTimeElement } from "../der/writer.ts";
import { constantExtension, encodeExtensions } from "../x509/extension.ts";
import { crlReason } from "../x509/extensions/crl-reason.ts";
import { malformedList } from "./malformed.ts";
import { type CrlReason, crlReasons } from "./reason.ts";

export interface RevokedCertificate {
  /** Unsigned magnitude, big-endian; with its sign octet at most 20 octets. */
  readonly serialNumber: Uint8Array;
  /** Milliseconds since the epoch, whole seconds. */
  readonly revocationDate: number;
  /** `unspecified` says no more than its absence, and is left out (RFC 5280 §5.3.1). */
  readonly reason?: CrlReason;
}

/** RFC 5280 §4.1.2.2. */
export const maxSerialOctets = 20;

// An element that we write has at most 2^24 − 1 octets; 64 KiB of them are for name, extensions and signature.
const maxOctets = 0xffffff - 0x10000;

// Content of an entry: an INTEGER of 3 to 22 octets, a time of 15 or 17, a reason of none or 14.
const minEntryOctets = 2 + 3 + 15;
const maxEntryOctets = 2 + 22 + 17 + 14;

const daySeconds = 86_400;
const nothing = new Uint8Array(0);

/** crlEntryExtensions, whole, for each reason. RFC 5280 §5.3.1: not critical; `unspecified` is left out. */
const reasonOctets: ReadonlyMap<CrlReason | undefined, Uint8Array> = new Map(
  (Object.keys(crlReasons) as readonly CrlReason[])
    .filter((reason) => reason !== "unspecified")
    .map((reason) => [reason, encodeExtensions([constantExtension(crlReason, reason, false)])]),
);

function tooLarge(entries: number, octets: number): AppError {
  return new AppError(
    "der_too_large",
    `CRL of ${entries} entries has ${octets} octets of them or more, over the limit of ${maxOctets}; ` +
      "let a window span fewer days",
  );
}

/** Copies by hand: for a score of octets a call of `set` takes longer than they do. */
function copy(out: Buffer, at: number, source: Uint8Array, start: number): number {
  const shift = at - start;
  const { length } = source;
  for (let index = start; index < length; index += 1) out[shift + index] = source[index] ?? 0;
  return shift + length;
}

/** INTEGER: leading zeros dropped, sign octet added. Returns where it ends, as all that write here do. */
function writeSerial(out: Buffer, at: number, serial: Uint8Array): number {
  let start = 0;
  while (start < serial.length - 1 && serial[start] === 0) start += 1;
  const signOctets = (serial[start] ?? 0) >= 0x80 ? 1 : 0;
  const octets = serial.length - start + signOctets;
  if (octets < 1 || octets > maxSerialOctets) {
    throw malformedList(`serial number of ${octets} octets: 1 to ${maxSerialOctets} are allowed`);
  }
  out[at] = tag.integer;
  out[at + 1] = octets;
  out[at + 2] = 0;
  return copy(out, at + 2 + signOctets, serial, start);
}

function writeTwoDigits(out: Buffer, at: number, value: number): void {
  const tens = (value / 10) | 0;
  out[at] = 0x30 + tens;
  out[at + 1] = 0x30 + value - tens * 10;
}

/** Midnight of each day, by its number, is encoded once; the time of day is then put over it. */
type Days = Map<number, Buffer>;

function midnight(days: Days, day: number): Buffer {
  const known = days.get(day);
  if (known !== undefined) return known;
  const element = encodeTimeElement(day * daySeconds * 1000);
  days.set(day, element);
  return element;
}

function writeTime(out: Buffer, at: number, time: number, days: Days): number {
  const seconds = time / 1000;
  if (!Number.isInteger(seconds)) throw malformedList(`revocation date ${time} is not a whole second`);
  const day = Math.floor(seconds / daySeconds);
  const end = copy(out, at, midnight(days, day), 0);
  const ofDay = (seconds - day * daySeconds) | 0;
  const minutes = (ofDay / 60) | 0;
  const hours = (minutes / 60) | 0;
  // HHMMSS and a Z end the time.
  writeTwoDigits(out, end - 7, hours);
  writeTwoDigits(out, end - 5, minutes - hours * 60);
  writeTwoDigits(out, end - 3, ofDay - minutes * 60);
  return end;
}

function writeEntry(out: Buffer, at: number, entry: RevokedCertificate, days: Days): number {
  const serialEnd = writeSerial(out, at + 2, entry.serialNumber);
  const timeEnd = writeTime(out, serialEnd, entry.revocationDate, days);
  const end = copy(out, timeEnd, reasonOctets.get(entry.reason) ?? nothing, 0);
  out[at] = tag.sequence;
  out[at + 1] = end - at - 2;
  return end;
}

/**
 * The SEQUENCE of all entries, in the given order. An empty one must not stand in a list: ask before.
 * @throws AppError der_too_large: more entries than an element can hold.
 * @throws AppError crl_malformed, der_malformed: serial number length, a date that is no whole second.
 */
export function encodeRevokedCertificates(revoked: readonly RevokedCertificate[]): Buffer {
  const least = revoked.length * minEntryOctets;
  if (least > maxOctets) throw tooLarge(revoked.length, least);
  const out = Buffer.allocUnsafe(revoked.length * maxEntryOctets);
  const days: Days = new Map();
  let end = 0;
  for (const entry of revoked) end = writeEntry(out, end, entry, days);
  if (end > maxOctets) throw tooLarge(revoked.length, end);
  return encodeSequence(out.subarray(0, end));
}
