/** Room: core/formats. Object identifiers: dotted text to and from content octets (X.690 §8.19). */
import { malformed } from "./header.ts";

/** Dotted form of an OBJECT IDENTIFIER's content octets. */
export function decodeOid(content: Uint8Array): string {
  const arcs: bigint[] = [];
  let value = 0n;
  let octets = 0;
  for (const octet of content) {
    if (octets === 0 && octet === 0x80) throw malformed(0, "object identifier arc is not minimal");
    value = (value << 7n) | BigInt(octet & 0x7f);
    octets += 1;
    // X.667 arcs of 128 bits are the largest in use.
    if (octets > 19) throw malformed(0, "object identifier arc of more than 128 bits");
    if (octet < 0x80) {
      arcs.push(value);
      value = 0n;
      octets = 0;
    }
  }
  const first = arcs[0];
  if (first === undefined || octets !== 0) throw malformed(0, "object identifier is empty or truncated");
  const root = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [root, first - root * 40n, ...arcs.slice(1)].join(".");
}

function encodeArc(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return octets;
}

/** Content octets of a dotted object identifier. */
export function encodeOid(dotted: string): Uint8Array {
  const [root, second, ...rest] = dotted.split(".").map(BigInt);
  if (root === undefined || second === undefined) throw malformed(0, `"${dotted}" has fewer than two arcs`);
  return Uint8Array.from([root * 40n + second, ...rest].flatMap(encodeArc));
}
