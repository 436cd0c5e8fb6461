/** Room: core/formats. Object identifiers: dotted text to and from content octets (X.690 §8.19). */
import { malformed } from "./header.ts";

// X.667: 128-bit arcs (UUIDs) are the largest in use; 19 groups of seven bits hold them.
const maxArcOctets = 19;

// The longest in use has some 20 octets; an error message that names one stays short.
const maxOctets = 128;

/** Arcs of up to seven octets stay exact in a double; longer ones need a bigint. */
function longArc(content: Uint8Array, start: number, end: number): bigint {
  let value = 0n;
  for (let i = start; i < end; i += 1) value = (value << 7n) | BigInt((content[i] ?? 0) & 0x7f);
  return value;
}

/** X.690 §8.19.4: the first subidentifier is 40 × root + second arc, root 2 taking all from 80. */
function firstArcs(value: number | bigint): string {
  if (value < 40) return `0.${value}`;
  if (value < 80) return `1.${Number(value) - 40}`;
  return `2.${BigInt(value) - 80n}`;
}

/**
 * Dotted form of an OBJECT IDENTIFIER's content octets.
 * @throws AppError der_malformed: empty, truncated, non-minimal, over 128 octets, or an arc beyond 128 bits.
 */
export function decodeOid(content: Uint8Array): string {
  if (content.length > maxOctets) {
    throw malformed(0, `object identifier of ${content.length} octets exceeds the limit of ${maxOctets}`);
  }
  let dotted = "";
  let arcStart = 0;
  let value = 0;
  for (let i = 0; i < content.length; i += 1) {
    const octet = content[i] ?? 0;
    if (i === arcStart && octet === 0x80) throw malformed(0, "object identifier arc is not minimal");
    value = value * 128 + (octet & 0x7f);
    if (i - arcStart >= maxArcOctets) throw malformed(0, "object identifier arc of more than 128 bits");
    if (octet >= 0x80) continue;
    const arc = i - arcStart < 7 ? value : longArc(content, arcStart, i + 1);
    dotted = arcStart === 0 ? firstArcs(arc) : `${dotted}.${arc}`;
    arcStart = i + 1;
    value = 0;
  }
  if (dotted === "" || arcStart !== content.length)
    throw malformed(0, "object identifier is empty or truncated");
  return dotted;
}

function pushArc(octets: number[], arc: number): void {
  let divisor = 1;
  while (arc >= divisor * 128) divisor *= 128;
  for (; divisor > 1; divisor /= 128) octets.push((Math.floor(arc / divisor) % 128) | 0x80);
  octets.push(arc % 128);
}

function pushLongArc(octets: number[], arc: bigint): void {
  const start = octets.length;
  octets.push(Number(arc & 0x7fn));
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.splice(start, 0, Number(rest & 0x7fn) | 0x80);
}

const dottedForm = /^[012](?:\.(?:0|[1-9][0-9]{0,38}))+$/;

/**
 * Content octets of a dotted object identifier.
 * @throws AppError der_malformed when `dotted` is not one (X.660 §7.6: second arc to 39 under roots 0 and 1).
 */
export function encodeOid(dotted: string): Uint8Array {
  if (!dottedForm.test(dotted)) throw malformed(0, "object identifier is not of the form 1.2.840.113549");
  const arcs = dotted.split(".");
  const root = Number(arcs[0]);
  if (root < 2 && Number(arcs[1]) > 39) throw malformed(0, "object identifier has a second arc above 39");
  const octets: number[] = [];
  for (let i = 1; i < arcs.length; i += 1) {
    const arc = arcs[i] ?? "0";
    const base = i === 1 ? root * 40 : 0;
    if (arc.length <= 12) pushArc(octets, Number(arc) + base);
    else pushLongArc(octets, BigInt(arc) + BigInt(base));
  }
  return new Uint8Array(octets);
}
