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

const dayMilliseconds = 86_400_000;
// RFC 5280 §5.1.2.6: dates through 2049 are UTCTime, later ones GeneralizedTime.
const firstGeneralizedTime = Date.UTC(2050, 0, 1);
const utcTimeOctets = 15;
const generalizedTimeOctets = 17;
const none = new Uint8Array(0);

/** crlEntryExtensions, whole, for each reason. RFC 5280 §5.3.1: not critical; `unspecified` is left out. */
const reasonOctets = Object.fromEntries(
  (Object.keys(crlReasons) as readonly CrlReason[]).map((reason) => [
    reason,
    reason === "unspecified" ? none : encodeExtensions([constantExtension(crlReason, reason, false)]),
  ]),
) as Readonly<Record<CrlReason, Uint8Array>>;

/** Index of the first octet that a minimal INTEGER keeps. */
function serialStart(serial: Uint8Array): number {
  let start = 0;
  while (start < serial.length - 1 && serial[start] === 0) start += 1;
  return start;
}

/** Octets of the INTEGER's content, its sign octet included. */
function serialOctets(serial: Uint8Array): number {
  const start = serialStart(serial);
  const octets = serial.length - start + ((serial[start] ?? 0) >= 0x80 ? 1 : 0);
  if (octets < 1 || octets > maxSerialOctets) {
    throw malformedList(`serial number of ${octets} octets: 1 to ${maxSerialOctets} are allowed`);
  }
  return octets;
}

/** Octets of an entry's content: at most 20 + 2 + 17 + 14, so that its header has always two octets. */
function entryOctets({ serialNumber, revocationDate, reason }: RevokedCertificate): number {
  const time = revocationDate < firstGeneralizedTime ? utcTimeOctets : generalizedTimeOctets;
  return 2 + serialOctets(serialNumber) + time + (reason === undefined ? 0 : reasonOctets[reason].length);
}

function totalOctets(revoked: readonly RevokedCertificate[]): number {
  let octets = 0;
  for (const entry of revoked) octets += 2 + entryOctets(entry);
  if (octets > maxOctets) {
    throw new AppError(
      "der_too_large",
      `CRL of ${revoked.length} entries has ${octets} octets of them, over the limit of ${maxOctets}; ` +
        "let a window span fewer days",
    );
  }
  return octets;
}

/** Copies by hand: for a score of octets a call of `set` takes longer than they do. */
function copy(out: Buffer, at: number, source: Uint8Array, start = 0): number {
  const { length } = source;
  for (let index = start; index < length; index += 1) out[at + index - start] = source[index] ?? 0;
  return at + length - start;
}

function writeTwoDigits(out: Buffer, at: number, value: number): void {
  const tens = Math.floor(value / 10);
  out[at] = 0x30 + tens;
  out[at + 1] = 0x30 + value - tens * 10;
}

/** Writes entries one after another. Midnight of each day is encoded once; the time of day is put over it. */
class EntryWriter {
  readonly #out: Buffer;
  readonly #days = new Map<number, Buffer>();
  #offset = 0;

  constructor(octets: number) {
    this.#out = Buffer.allocUnsafe(octets);
  }

  get written(): Buffer {
    return this.#out.subarray(0, this.#offset);
  }

  write(entry: RevokedCertificate): void {
    const start = this.#offset;
    this.#out[start] = tag.sequence;
    this.#offset += 2;
    this.#serial(entry.serialNumber);
    this.#time(entry.revocationDate);
    if (entry.reason !== undefined) this.#offset = copy(this.#out, this.#offset, reasonOctets[entry.reason]);
    this.#out[start + 1] = this.#offset - start - 2;
  }

  #serial(serial: Uint8Array): void {
    const first = serialStart(serial);
    const signed = (serial[first] ?? 0) >= 0x80;
    this.#out[this.#offset] = tag.integer;
    this.#out[this.#offset + 1] = serial.length - first + (signed ? 1 : 0);
    this.#offset += 2;
    if (signed) {
      this.#out[this.#offset] = 0;
      this.#offset += 1;
    }
    this.#offset = copy(this.#out, this.#offset, serial, first);
  }

  #time(time: number): void {
    const day = Math.floor(time / dayMilliseconds);
    const seconds = (time - day * dayMilliseconds) / 1000;
    if (!Number.isInteger(seconds)) throw malformedList(`revocation date ${time} is not a whole second`);
    this.#offset = copy(this.#out, this.#offset, this.#midnight(day));
    // HHMMSS and the Z end the time.
    const at = this.#offset - 7;
    const minutes = Math.floor(seconds / 60);
    writeTwoDigits(this.#out, at, Math.floor(minutes / 60));
    writeTwoDigits(this.#out, at + 2, minutes % 60);
    writeTwoDigits(this.#out, at + 4, seconds % 60);
  }

  #midnight(day: number): Buffer {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const element = encodeTimeElement(day * dayMilliseconds);
    this.#days.set(day, element);
    return element;
  }
}

/**
 * The SEQUENCE of all entries, in the given order. An empty one must not stand in a list: ask before.
 * @throws AppError der_too_large: more entries than an element can hold.
 * @throws AppError crl_malformed, der_malformed: serial number length, a date that is no whole second.
 */
export function encodeRevokedCertificates(revoked: readonly RevokedCertificate[]): Buffer {
  const writer = new EntryWriter(totalOctets(revoked));
  for (const entry of revoked) writer.write(entry);
  return encodeSequence(writer.written);
}
