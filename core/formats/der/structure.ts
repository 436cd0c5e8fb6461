/**
 * Room: core/formats. One pass over a whole input that proves it to be DER within limits,
 * before any parser looks at it: parsers may then recurse without fear.
 */
import { AppError } from "../../errors.ts";
import { malformed, readHeader } from "./header.ts";
import { tag } from "./tag.ts";

export interface DerLimits {
  /** Octets of the whole input. */
  readonly maxBytes: number;
  /** Constructed elements around one another, the outermost counted as 1. */
  readonly maxDepth: number;
  /** Elements in the whole input, constructed and primitive. */
  readonly maxElements: number;
}

export const defaultLimits: DerLimits = { maxBytes: 65_536, maxDepth: 16, maxElements: 4_096 };

/** X.690 §8.3.2: the first nine bits of an integer are never all equal. */
export function isMinimalInteger(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start];
  const second = bytes[start + 1];
  if (first === undefined || start >= end) return false;
  if (end - start === 1 || second === undefined) return true;
  return !((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
}

function checkBitString(bytes: Uint8Array, start: number, end: number): void {
  const unused = bytes[start];
  if (start === end || unused === undefined)
    throw malformed(start, "bit string without its unused-bits octet");
  if (unused > 7 || (unused > 0 && end - start === 1))
    throw malformed(start, `bit string with ${unused} unused bits`);
  // X.690 §11.2.1: unused bits are zero.
  if (unused > 0 && ((bytes[end - 1] ?? 0) & ((1 << unused) - 1)) !== 0) {
    throw malformed(start, "bit string with unused bits set");
  }
}

function checkOid(bytes: Uint8Array, start: number, end: number): void {
  if (start === end) throw malformed(start, "empty object identifier");
  if ((bytes[end - 1] ?? 0) >= 0x80) throw malformed(start, "object identifier is truncated");
  for (let i = start; i < end; i += 1) {
    const startsArc = i === start || (bytes[i - 1] ?? 0) < 0x80;
    if (startsArc && bytes[i] === 0x80) throw malformed(i, "object identifier arc is not minimal");
  }
}

function checkPrimitive(bytes: Uint8Array, identifier: number, start: number, end: number): void {
  switch (identifier) {
    case tag.boolean: {
      // X.690 §11.1: TRUE is 0xff.
      const value = bytes[start];
      if (end - start !== 1 || (value !== 0 && value !== 0xff))
        throw malformed(start, "boolean is neither 00 nor ff");
      return;
    }
    case tag.integer:
    case tag.enumerated:
      if (!isMinimalInteger(bytes, start, end)) throw malformed(start, "integer is empty or not minimal");
      return;
    case tag.bitString:
      checkBitString(bytes, start, end);
      return;
    case tag.null:
      if (start !== end) throw malformed(start, "null with content");
      return;
    case tag.oid:
      checkOid(bytes, start, end);
      return;
    case tag.sequence & 0x1f:
    case tag.set & 0x1f:
      throw malformed(start, "sequence or set in primitive form");
    default:
  }
}

function checkConstructed(identifier: number, offset: number): void {
  const universal = (identifier & 0xc0) === 0;
  // X.690 §10.2: DER strings are primitive; of the universal types only SEQUENCE and SET nest here.
  if (universal && identifier !== tag.sequence && identifier !== tag.set) {
    throw malformed(offset, "constructed form of a primitive type");
  }
}

/**
 * Proves `bytes` to be exactly one DER element within `limits`. Linear time, no recursion.
 * @throws AppError der_too_large, der_too_deep (depth or element count), der_malformed.
 */
export function checkDer(bytes: Uint8Array, limits: DerLimits = defaultLimits): void {
  if (bytes.length > limits.maxBytes) {
    throw new AppError(
      "der_too_large",
      `input of ${bytes.length} octets exceeds the limit of ${limits.maxBytes}`,
    );
  }
  const ends: number[] = [];
  let offset = 0;
  let elements = 0;
  let limit = bytes.length;
  do {
    const { tag: identifier, contentStart, contentEnd } = readHeader(bytes, offset, limit);
    elements += 1;
    if (elements > limits.maxElements) {
      throw new AppError("der_too_deep", `more than ${limits.maxElements} elements in one structure`);
    }
    if ((identifier & 0x20) !== 0) {
      checkConstructed(identifier, offset);
      ends.push(contentEnd);
      if (ends.length > limits.maxDepth) {
        throw new AppError("der_too_deep", `nesting exceeds the limit of ${limits.maxDepth} levels`);
      }
      limit = contentEnd;
      offset = contentStart;
    } else {
      checkPrimitive(bytes, identifier, contentStart, contentEnd);
      offset = contentEnd;
    }
    while (ends.length > 0 && offset === ends[ends.length - 1]) {
      ends.pop();
      limit = ends[ends.length - 1] ?? bytes.length;
    }
  } while (ends.length > 0);
  if (offset !== bytes.length) throw malformed(offset, `${bytes.length - offset} trailing octets`);
}
