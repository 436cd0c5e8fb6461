import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatIpAddress,
  formatIpNetwork,
  parseIpAddress,
  parseIpNetwork,
} from "../../core/formats/ip-address.ts";

const canonical = (text: string): string | undefined => {
  const octets = parseIpAddress(text);
  return octets === undefined ? undefined : formatIpAddress(octets);
};

describe("addresses", () => {
  test.each([
    {
      name: "RFC 5952 §4.1: leading zeros go",
      input: "2001:0db8:0000:0001:0001:0001:0001:0001",
      expected: "2001:db8:0:1:1:1:1:1",
    },
    {
      name: "§4.2.1: :: stands for as much as it can",
      input: "2001:db8:0:0:0:0:2:1",
      expected: "2001:db8::2:1",
    },
    {
      name: "§4.2.2: a single zero group stays",
      input: "2001:db8::1:1:1:1:1",
      expected: "2001:db8:0:1:1:1:1:1",
    },
    { name: "§4.2.3: the longest run", input: "2001:0:0:1:0:0:0:1", expected: "2001:0:0:1::1" },
    { name: "§4.2.3: the first of equal runs", input: "2001:db8:0:0:1:0:0:1", expected: "2001:db8::1:0:0:1" },
    { name: "§4.3: lower case", input: "2001:DB8::ABCD", expected: "2001:db8::abcd" },
    { name: "§5: IPv4-mapped", input: "::FFFF:c000:0201", expected: "::ffff:192.0.2.1" },
    { name: "a written IPv4 tail elsewhere", input: "64:ff9b::192.0.2.1", expected: "64:ff9b::c000:201" },
    { name: "unspecified", input: "0:0:0:0:0:0:0:0", expected: "::" },
    { name: "loopback", input: "0::1", expected: "::1" },
    { name: "a trailing run", input: "fe80:0:0:0:0:0:0:0", expected: "fe80::" },
    { name: "IPv4", input: "192.0.2.255", expected: "192.0.2.255" },
  ])("$name", ({ input, expected }) => {
    expect(canonical(input)).toBe(expected);
  });

  test.each([
    "",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "12345::",
    "g::",
    "fe80::1%eth0",
    "::1.2.3",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "1.2.3.-4",
    "١.2.3.4",
    "1.2.3.4/8",
    "[::1]",
  ])("%j is no address", (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  });

  test("parse after format is the identity, and node:net agrees on what an address is", () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc
        .array(fc.constantFrom(0, 0, 1, 255), { minLength: 16, maxLength: 16 })
        .map((each) => Uint8Array.from(each)),
    );
    fc.assert(
      fc.property(octets, (given) => {
        const text = formatIpAddress(given) ?? "";
        expect(parseIpAddress(text)).toEqual(given);
        expect(isIP(text)).toBe(given.length === 4 ? 4 : 6);
        // The URL standard writes IPv6 the same way, but for the mapped addresses.
        if (given.length === 16 && !text.includes("."))
          expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
      }),
    );
    const unit = fc.constantFrom(..."0129af:::..");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 24 }), (text) => {
        expect(parseIpAddress(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("networks (RFC 5280 §4.2.1.10)", () => {
  test.each(["0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/25", "192.0.2.1/32", "2001:db8::/33", "::/0", "::1/128"])(
    "%s",
    (text) => {
      const octets = parseIpNetwork(text) ?? Buffer.alloc(0);
      expect(octets.length).toBe(text.includes(":") ? 32 : 8);
      expect(formatIpNetwork(octets)).toBe(text);
    },
  );

  test.each([
    "10.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "/8",
    "10.0.0.0/-1",
  ])("%j is no network", (text) => {
    expect(parseIpNetwork(text)).toBeUndefined();
  });

  test.each([
    { name: "a scattered mask", octets: [10, 0, 0, 0, 255, 0, 255, 0] },
    { name: "a mask with a late one", octets: [10, 0, 0, 0, 0, 0, 0, 1] },
    { name: "an address without mask", octets: [10, 0, 0, 0] },
    { name: "nothing", octets: [] },
  ])("RFC 4632 §3.1: $name is refused", ({ octets }) => {
    expect(formatIpNetwork(Uint8Array.from(octets))).toBeUndefined();
  });
});
