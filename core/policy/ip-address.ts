/** Room: core/policy. Which IP addresses a certificate may name. */
import { formatIpAddress, parseIpAddress } from "../formats/ip-address.ts";
import { allowed, type Decision, deny } from "./decision.ts";

const ipv4Mapped = "00000000000000000000ffff";

function fault(octets: Uint8Array): string | undefined {
  const first = octets[0] ?? 0;
  if (octets.every((octet) => octet === 0)) return "is unspecified; name one host";
  // RFC 5771, RFC 1112 §4: 224/4 is multicast, 240/4 reserved. RFC 4291 §2.7: ff00::/8 is multicast.
  if (first === 0xff || (octets.length === 4 && first >= 224))
    return "is multicast or reserved; name one host";
  // RFC 4291 §2.5.5.2: the same host would have two names.
  if (Buffer.from(octets).toString("hex").startsWith(ipv4Mapped)) return "is IPv4-mapped; write it as IPv4";
  return undefined;
}

/** An address that one host can have, in the text form of RFC 5952 or dotted decimal. */
export function checkIpAddress(text: string): Decision {
  const octets = parseIpAddress(text);
  const canonical = octets === undefined ? undefined : formatIpAddress(octets);
  if (octets === undefined || canonical === undefined) {
    return deny("name_not_permitted", "IP address does not parse; write 192.0.2.1 or 2001:db8::1");
  }
  const found = fault(octets);
  if (found !== undefined) return deny("name_not_permitted", `IP address ${found}`);
  // One text form, so that no spelling slips past a comparison.
  return canonical === text
    ? allowed
    : deny("name_not_permitted", `IP address is not in canonical text; write ${canonical}`);
}
