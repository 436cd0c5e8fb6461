/** Room: core/formats. Decodes one DER identifier and length (X.690 §10.1: definite, minimal). */
import { AppError } from "../../errors.ts";

export function malformed(offset: number, what: string, options: ErrorOptions = {}): AppError {
  return new AppError("der_malformed", `not DER at offset ${offset}: ${what}`, options);
}

/** One decoded header: the identifier octet and where the content lies in the input. */
export interface Header {
  readonly tag: number;
  readonly contentStart: number;
  readonly contentEnd: number;
}

/**
 * Reads the header at `offset`; the element must end at or before `limit`.
 * @throws AppError der_malformed: high tag numbers, indefinite or non-minimal length, overrun.
 */
export function readHeader(bytes: Uint8Array, offset: number, limit: number): Header {
  const identifier = bytes[offset];
  const first = bytes[offset + 1];
  if (identifier === undefined || first === undefined || offset + 2 > limit) {
    throw malformed(offset, "element header is truncated");
  }
  if ((identifier & 0x1f) === 0x1f)
    throw malformed(offset, "tag numbers above 30 are not used by our formats");
  if (identifier === 0) throw malformed(offset, "tag 0 is reserved");
  let contentStart = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0) throw malformed(offset, "indefinite length");
    if (octets > 4) throw malformed(offset, "length of more than four octets");
    contentStart += octets;
    if (contentStart > limit) throw malformed(offset, "length is truncated");
    length = 0;
    for (let i = offset + 2; i < contentStart; i += 1) length = length * 256 + (bytes[i] ?? 0);
    // X.690 §10.1: the shortest form only.
    if (length < 0x80 || bytes[offset + 2] === 0) throw malformed(offset, "length is not minimal");
  }
  const contentEnd = contentStart + length;
  if (contentEnd > limit) throw malformed(offset, `length ${length} overruns the enclosing element`);
  return { tag: identifier, contentStart, contentEnd };
}
