/**
 * Room: core/formats. A forward-only reader over one level of a DER structure. It copies nothing:
 * values are views of the input.
 */
import { type Header, malformed, readHeader } from "./header.ts";
import { decodeOid } from "./oid.ts";
import { isMinimalInteger } from "./structure.ts";
import { contextTag, hexTag, tag } from "./tag.ts";
import { decodeGeneralizedTime, decodeTime } from "./time.ts";

/** One element: its tag, its content and its whole encoding, all views of the input. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

/** Every method throws AppError `der_malformed` when the next element is not what is asked for. */
export class DerCursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  private constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  /** A cursor over all elements of `bytes`. Run `checkDer` on foreign input first. */
  static over(bytes: Uint8Array): DerCursor {
    return new DerCursor(bytes, 0, bytes.length);
  }

  /** The cursor inside `bytes`, which must be exactly one SEQUENCE. */
  static inSequence(bytes: Uint8Array): DerCursor {
    const outer = DerCursor.over(bytes);
    const inner = outer.sequence();
    outer.done();
    return inner;
  }

  get atEnd(): boolean {
    return this.#offset === this.#end;
  }

  /** Tag of the next element, or undefined at the end. */
  peek(): number | undefined {
    return this.atEnd ? undefined : this.#bytes[this.#offset];
  }

  /** @throws AppError der_malformed when elements are left. */
  done(): void {
    if (!this.atEnd) throw malformed(this.#offset, `${this.#end - this.#offset} octets left over`);
  }

  element(): DerElement {
    const start = this.#offset;
    const header = this.#header();
    return {
      tag: header.tag,
      content: this.#bytes.subarray(header.contentStart, header.contentEnd),
      raw: this.#bytes.subarray(start, header.contentEnd),
    };
  }

  sequence(): DerCursor {
    return this.#enter(tag.sequence);
  }

  set(): DerCursor {
    return this.#enter(tag.set);
  }

  /** Inside `[number]` in constructed form, or undefined when the next element is another. */
  optionalContext(number: number): DerCursor | undefined {
    const wanted = contextTag(number, true);
    return this.peek() === wanted ? this.#enter(wanted) : undefined;
  }

  /** Content of primitive `[number]`, or undefined when the next element is another. */
  optionalPrimitive(number: number): Uint8Array | undefined {
    const wanted = contextTag(number, false);
    return this.peek() === wanted ? this.#content(wanted) : undefined;
  }

  /** Content octets of an INTEGER: minimal two's complement, big-endian, at least one octet. */
  integer(): Uint8Array {
    const offset = this.#offset;
    const content = this.#content(tag.integer);
    if (!isMinimalInteger(content, 0, content.length))
      throw malformed(offset, "integer is empty or not minimal");
    return content;
  }

  /** An INTEGER from 0 to 2^31 − 1. */
  smallInteger(): number {
    const offset = this.#offset;
    const content = this.integer();
    if (content.length > 4 || (content[0] ?? 0) >= 0x80)
      throw malformed(offset, "integer out of range 0 to 2^31-1");
    return content.reduce((value, octet) => value * 256 + octet, 0);
  }

  boolean(): boolean {
    const offset = this.#offset;
    const content = this.#content(tag.boolean);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw malformed(offset, "boolean is neither 00 nor ff");
    }
    return content[0] === 0xff;
  }

  oid(): string {
    return decodeOid(this.#content(tag.oid));
  }

  octetString(): Uint8Array {
    return this.#content(tag.octetString);
  }

  /** A BIT STRING of whole octets, as keys and signatures are. */
  bitString(): Uint8Array {
    const offset = this.#offset;
    const content = this.#content(tag.bitString);
    if (content[0] !== 0) throw malformed(offset, "bit string is not of whole octets");
    return content.subarray(1);
  }

  /** A named bit list (X.690 §11.2.2: no trailing zero bits); bit 0 is the first of the list. */
  namedBits(): ReadonlySet<number> {
    const offset = this.#offset;
    return decodeNamedBits(this.#content(tag.bitString), offset);
  }

  null(): void {
    if (this.#content(tag.null).length !== 0) throw malformed(this.#offset, "null with content");
  }

  /** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 has them: milliseconds since the epoch. */
  time(): number {
    const offset = this.#offset;
    const { tag: kind, content } = this.element();
    return decodeTime(kind, content, offset);
  }

  /** GeneralizedTime in every year, as OCSP has its times: milliseconds since the epoch. */
  generalizedTime(): number {
    const offset = this.#offset;
    const { tag: kind, content } = this.element();
    return decodeGeneralizedTime(kind, content, offset);
  }

  #header(): Header {
    if (this.atEnd) throw malformed(this.#offset, "an element is missing");
    const header = readHeader(this.#bytes, this.#offset, this.#end);
    this.#offset = header.contentEnd;
    return header;
  }

  #content(wanted: number): Uint8Array {
    const { contentStart, contentEnd } = this.#expect(wanted);
    return this.#bytes.subarray(contentStart, contentEnd);
  }

  #enter(wanted: number): DerCursor {
    const { contentStart, contentEnd } = this.#expect(wanted);
    return new DerCursor(this.#bytes, contentStart, contentEnd);
  }

  #expect(wanted: number): Header {
    const found = this.peek();
    if (found !== wanted)
      throw malformed(this.#offset, `expected tag ${hexTag(wanted)}, found ${hexTag(found)}`);
    return this.#header();
  }
}

function decodeNamedBits(content: Uint8Array, offset: number): ReadonlySet<number> {
  const unused = content[0];
  if (unused === undefined || unused > 7)
    throw malformed(offset, "bit string without a valid unused-bits octet");
  const bits = new Set<number>();
  const count = (content.length - 1) * 8 - unused;
  if (count < 0) throw malformed(offset, "bit string with more unused bits than bits");
  for (let bit = 0; bit < count; bit += 1) {
    if (((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) bits.add(bit);
  }
  // X.690 §11.2.1: unused bits are zero. Checked here too: extension values are not under the outer checkDer.
  if (((content[content.length - 1] ?? 0) & ((1 << unused) - 1)) !== 0 && content.length > 1) {
    throw malformed(offset, "bit string with unused bits set");
  }
  // X.690 §11.2.2: a named bit list ends with a one bit.
  if (count > 0 && !bits.has(count - 1)) throw malformed(offset, "named bit list with trailing zero bits");
  return bits;
}
