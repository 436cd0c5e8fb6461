/** Room: core/formats. DER encoders: each returns the whole element as a fresh Buffer. */
import { malformed } from "./header.ts";
import { encodeOid } from "./oid.ts";
import { encodeString } from "./string.ts";
import { contextTag, tag } from "./tag.ts";
import { encodeGeneralizedTime, encodeTime } from "./time.ts";

function headerSize(length: number): number {
  if (length < 0x80) return 2;
  if (length < 0x100) return 3;
  if (length < 0x10000) return 4;
  return 5;
}

function writeHeader(out: Buffer, identifier: number, length: number): number {
  const size = headerSize(length);
  out[0] = identifier;
  if (size === 2) out[1] = length;
  else {
    out[1] = 0x80 | (size - 2);
    out.writeUIntBE(length, 2, size - 2);
  }
  return size;
}

/** One element from its tag and the parts of its content, in order. Lengths up to 2^24 − 1 octets. */
export function encodeElement(identifier: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > 0xffffff) throw malformed(0, `element of ${length} octets exceeds the limit of 16777215`);
  const out = Buffer.allocUnsafe(headerSize(length) + length);
  let offset = writeHeader(out, identifier, length);
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export const encodeSequence = (...parts: readonly Uint8Array[]): Buffer =>
  encodeElement(tag.sequence, ...parts);

/** X.690 §11.6: the elements of a SET OF stand in ascending order of their encodings. */
export const encodeSetOf = (...parts: readonly Uint8Array[]): Buffer =>
  encodeElement(tag.set, ...[...parts].sort(Buffer.compare));

/** EXPLICIT `[number]` around `parts`, or IMPLICIT over a structured type's content. */
export const encodeContext = (number: number, ...parts: readonly Uint8Array[]): Buffer =>
  encodeElement(contextTag(number, true), ...parts);

/** IMPLICIT `[number]` over a primitive type's content. */
export const encodePrimitiveContext = (number: number, content: Uint8Array): Buffer =>
  encodeElement(contextTag(number, false), content);

/** INTEGER from an unsigned big-endian number: leading zeros dropped, sign octet added. */
export function encodeUnsignedInteger(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1;
  const digits = magnitude.length === 0 ? Uint8Array.of(0) : magnitude.subarray(start);
  return (digits[0] ?? 0) >= 0x80
    ? encodeElement(tag.integer, Uint8Array.of(0), digits)
    : encodeElement(tag.integer, digits);
}

/** INTEGER from 0 to 2^31 − 1. */
export function encodeSmallInteger(value: number): Buffer {
  if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
    throw malformed(0, `integer ${value} is out of range 0 to 2^31-1`);
  }
  const octets = Buffer.allocUnsafe(4);
  octets.writeUInt32BE(value);
  return encodeUnsignedInteger(octets);
}

export const encodeBoolean = (value: boolean): Buffer =>
  encodeElement(tag.boolean, Uint8Array.of(value ? 0xff : 0));
export const encodeNull = (): Buffer => encodeElement(tag.null);
export const encodeOidElement = (dotted: string): Buffer => encodeElement(tag.oid, encodeOid(dotted));
export const encodeOctetString = (content: Uint8Array): Buffer => encodeElement(tag.octetString, content);

/** BIT STRING of whole octets. */
export const encodeBitString = (content: Uint8Array): Buffer =>
  encodeElement(tag.bitString, Uint8Array.of(0), content);

/** Named bit list (X.690 §11.2.2: trailing zero bits removed); bit 0 is the first of the list. */
export function encodeNamedBits(bits: Iterable<number>): Buffer {
  const sorted = [...bits].sort((a, b) => a - b);
  const last = sorted[sorted.length - 1];
  if (last === undefined) return encodeElement(tag.bitString, Uint8Array.of(0));
  const content = new Uint8Array(2 + (last >> 3));
  content[0] = 7 - (last & 7);
  for (const bit of sorted) content[1 + (bit >> 3)] = (content[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7));
  return encodeElement(tag.bitString, content);
}

/** UTF8String, PrintableString or IA5String element; throws AppError der_malformed outside the type's alphabet. */
export const encodeStringElement = (kind: number, text: string): Buffer =>
  encodeElement(kind, encodeString(kind, text));

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; `time` in whole-second milliseconds. */
export function encodeTimeElement(time: number): Buffer {
  const { tag: kind, text } = encodeTime(time);
  return encodeElement(kind, Buffer.from(text, "latin1"));
}

/** GeneralizedTime in every year, as OCSP has its times; `time` in whole-second milliseconds. */
export const encodeGeneralizedTimeElement = (time: number): Buffer =>
  encodeElement(tag.generalizedTime, Buffer.from(encodeGeneralizedTime(time), "latin1"));
