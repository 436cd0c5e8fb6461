/**
 * Room: core/formats. IP addresses and networks: octets to canonical text and back. IPv6 text is RFC 5952's
 * one form; zone identifiers, leading zeros in IPv4 and shortened IPv4 are refused.
 */

const ipv4Form = /^(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}$/;
const groupForm = /^[0-9A-Fa-f]{1,4}$/;

function parseIpv4(text: string): Uint8Array | undefined {
  if (!ipv4Form.test(text)) return undefined;
  const octets = text.split(".").map(Number);
  return octets.every((octet) => octet <= 255) ? Uint8Array.from(octets) : undefined;
}

/** Groups of one side of `::`, as octets; an IPv4 tail is allowed on the last side only. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const octets: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (groupForm.test(group)) {
      const value = Number.parseInt(group, 16);
      octets.push(value >> 8, value & 0xff);
      continue;
    }
    const tail = mayEndInIpv4 && index === groups.length - 1 ? parseIpv4(group) : undefined;
    if (tail === undefined) return undefined;
    octets.push(...tail);
  }
  return octets;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const [left = "", right, ...more] = text.split("::");
  if (more.length > 0 || text.length > 45) return undefined;
  const head = parseGroups(left, right === undefined);
  const tail = right === undefined ? [] : parseGroups(right, true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // RFC 4291 §2.2: "::" stands for one or more groups.
  if (right === undefined ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** Four or sixteen octets of an address in text form, any valid spelling; undefined when it is not one. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** RFC 5952 §4.2: the longest run of two or more zero groups, the first of equals; [0, 0] when none. */
function longestZeroRun(groups: readonly number[]): readonly [start: number, end: number] {
  let best: readonly [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start += 1) {
    let end = start;
    while (groups[end] === 0) end += 1;
    if (end - start > Math.max(1, best[1] - best[0])) best = [start, end];
    if (end > start) start = end;
  }
  return best;
}

function formatIpv6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (octets[2 * i] ?? 0) * 256 + (octets[2 * i + 1] ?? 0));
  // RFC 5952 §5: the IPv4-mapped prefix is known, so its tail is written as IPv4.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${octets.subarray(12).join(".")}`;
  }
  const hex = groups.map((group) => group.toString(16));
  const [start, end] = longestZeroRun(groups);
  return end === 0 ? hex.join(":") : `${hex.slice(0, start).join(":")}::${hex.slice(end).join(":")}`;
}

/** Canonical text of 4 or 16 octets; undefined for another length. */
export function formatIpAddress(octets: Uint8Array): string | undefined {
  if (octets.length === 4) return octets.join(".");
  return octets.length === 16 ? formatIpv6(octets) : undefined;
}

/** Address and mask octets (8 or 32) of `address/prefix`; undefined when it is not one. */
export function parseIpNetwork(text: string): Uint8Array | undefined {
  const [addressText = "", prefixText = "", ...more] = text.split("/");
  const address = parseIpAddress(addressText);
  if (address === undefined || more.length > 0 || !/^(?:0|[1-9][0-9]{0,2})$/.test(prefixText))
    return undefined;
  const prefix = Number(prefixText);
  if (prefix > address.length * 8) return undefined;
  const mask = address.map((_, i) => 0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i)));
  return Uint8Array.from([...address, ...mask]);
}

/** Bits of a mask whose ones stand before its zeros (RFC 4632 §3.1); undefined for any other mask. */
function prefixLength(mask: Uint8Array): number | undefined {
  const bits = Array.from(mask, (octet) => octet.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? bits.lastIndexOf("1") + 1 : undefined;
}

/** `address/prefix` of 8 or 32 octets (RFC 5280 §4.2.1.10); undefined for another length or a scattered mask. */
export function formatIpNetwork(octets: Uint8Array): string | undefined {
  if (octets.length !== 8 && octets.length !== 32) return undefined;
  const address = formatIpAddress(octets.subarray(0, octets.length / 2));
  const prefix = prefixLength(octets.subarray(octets.length / 2));
  return address === undefined || prefix === undefined ? undefined : `${address}/${prefix}`;
}
