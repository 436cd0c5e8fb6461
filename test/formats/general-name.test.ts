import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DerCursor } from "../../core/formats/der/cursor.ts";
import { checkDer } from "../../core/formats/der/structure.ts";
import {
  canonicalGeneralName,
  decodeGeneralName,
  encodeGeneralName,
  type GeneralName,
  type GeneralNameForm,
} from "../../core/formats/general-name.ts";
import { name } from "../../core/formats/name.ts";
import { constraintName, generalName } from "./arbitraries.ts";
import { accepts, hex, refusal, refusalCode } from "./refusal.ts";

function decode(bytes: Uint8Array, form: GeneralNameForm = "name"): GeneralName {
  checkDer(bytes);
  const cursor = DerCursor.over(bytes);
  const decoded = decodeGeneralName(cursor, form);
  cursor.done();
  return decoded;
}

const uri = (value: string): GeneralName => ({ kind: "uniformResourceIdentifier", value });
const dns = (value: string): GeneralName => ({ kind: "dNSName", value });
const ip = (value: string): GeneralName => ({ kind: "iPAddress", value });
const email = (value: string): GeneralName => ({ kind: "rfc822Name", value });
const textElement = (tag: number, text: string): Buffer => {
  const content = Buffer.from(text, "utf8");
  return Buffer.concat([Buffer.of(tag, content.length), content]);
};

describe("encodeGeneralName and decodeGeneralName (RFC 5280 §4.2.1.6)", () => {
  test.each<{ name: string; value: GeneralName; encoded: string }>([
    { name: "dNSName", value: dns("a.b"), encoded: "8203 612e62" },
    { name: "rfc822Name", value: email("a@b"), encoded: "8103 614062" },
    { name: "URI", value: uri("a:b"), encoded: "8603 613a62" },
    { name: "IPv4", value: ip("192.0.2.1"), encoded: "8704 c0000201" },
    { name: "IPv6", value: ip("2001:db8::1"), encoded: "8710 20010db8000000000000000000000001" },
    { name: "registeredID", value: { kind: "registeredID", value: "1.2.3" }, encoded: "8802 2a03" },
    {
      name: "directoryName, explicit",
      value: { kind: "directoryName", value: name([["commonName", "a"]]) },
      encoded: "a40e 300c 310a 3008 0603550403 0c0161",
    },
    {
      name: "otherName",
      value: { kind: "otherName", type: "1.2.3", value: hex("0c0161") },
      encoded: "a009 06022a03 a003 0c0161",
    },
    { name: "x400Address, unread", value: { kind: "x400Address", value: hex("0500") }, encoded: "a302 0500" },
    {
      name: "ediPartyName, unread",
      value: { kind: "ediPartyName", value: hex("0500") },
      encoded: "a502 0500",
    },
  ])("$name", ({ value, encoded }) => {
    expect(encodeGeneralName(value)).toEqual(hex(encoded));
    expect(decode(hex(encoded))).toEqual(value);
  });

  test.each<{ form: GeneralNameForm; names: fc.Arbitrary<GeneralName> }>([
    { form: "name", names: generalName },
    { form: "constraint", names: constraintName },
  ])("form $form: decode after encode is the identity", ({ form, names }) => {
    fc.assert(
      fc.property(names, (given) => {
        const encoded = encodeGeneralName(given, form);
        const decoded = decode(encoded, form);
        expect(encodeGeneralName(decoded, form)).toEqual(encoded);
        expect(canonicalGeneralName(decoded)).toBe(canonicalGeneralName(given));
        if (given.kind !== "directoryName") expect(decoded).toEqual(given);
      }),
    );
  });

  const textTags = { rfc822Name: 0x81, dNSName: 0x82, uniformResourceIdentifier: 0x86 } as const;
  test.each<{ name: string; value: GeneralName & { kind: keyof typeof textTags } }>([
    { name: "NUL in a dNSName", value: { kind: "dNSName", value: "good.example\u0000.evil.example" } },
    { name: "a letter beyond ASCII in a dNSName", value: { kind: "dNSName", value: "bücher.example" } },
    { name: "a space as dNSName", value: { kind: "dNSName", value: " " } },
    { name: "an empty dNSName", value: { kind: "dNSName", value: "" } },
    { name: "a slash in a dNSName", value: { kind: "dNSName", value: "a/b" } },
    { name: "a line feed in a dNSName", value: { kind: "dNSName", value: "a\n" } },
    { name: "an address without at sign", value: { kind: "rfc822Name", value: "example.com" } },
    { name: "an address with two at signs", value: { kind: "rfc822Name", value: "a@b@c" } },
    { name: "NUL in an address", value: { kind: "rfc822Name", value: "a@b\u0000.c" } },
    { name: "a relative URI", value: { kind: "uniformResourceIdentifier", value: "/a/b" } },
    { name: "a scheme alone", value: { kind: "uniformResourceIdentifier", value: "spiffe:" } },
    { name: "a space in a URI", value: { kind: "uniformResourceIdentifier", value: "a:b c" } },
    { name: "NUL in a URI", value: { kind: "uniformResourceIdentifier", value: "a:b\u0000" } },
    { name: "a letter beyond ASCII in a URI", value: { kind: "uniformResourceIdentifier", value: "a:é" } },
    {
      name: "RFC 3986 §2.1: a lone percent sign",
      value: { kind: "uniformResourceIdentifier", value: "a:%4" },
    },
  ])("refused in and out: $name", ({ value }) => {
    expect(refusalCode(() => encodeGeneralName(value))).toBe("der_malformed");
    expect(refusalCode(() => decode(textElement(textTags[value.kind], value.value)))).toBe("der_malformed");
  });

  test("a dNSName of 254 octets is refused, its value not repeated", () => {
    expect(refusal(() => encodeGeneralName(dns("a".repeat(254)))).message).toBe(
      "general name: dNSName of 254 octets exceeds 253",
    );
  });

  test.each<{ name: string; input: string; form?: GeneralNameForm }>([
    { name: "an address of 5 octets", input: "8705 c000020100" },
    { name: "an empty address", input: "8700" },
    { name: "a network in a name", input: "8708 c0000200ffffff00" },
    { name: "an address in a constraint", input: "8704 c0000201", form: "constraint" },
    { name: "a network with a scattered mask", input: "8708 c0000200ff00ff00", form: "constraint" },
    { name: "a URI with a path in a constraint", input: "8607 613a2f2f622f63", form: "constraint" },
    { name: "constructed dNSName", input: "a203 0c0161" },
    { name: "primitive directoryName", input: "8402 3000" },
    { name: "implicit directoryName", input: "a40c 310a 3008 0603550403 0c0161" },
    { name: "directoryName of two names", input: "a404 3000 3000" },
    { name: "directoryName without its name", input: "a400" },
    { name: "RFC 5280 §4.2.1.6: directoryName of an empty name", input: "a402 3000" },
    { name: "empty x400Address", input: "a300" },
    { name: "empty ediPartyName", input: "a500" },
    { name: "empty otherName", input: "a000" },
    { name: "otherName without value", input: "a004 06022a03" },
    { name: "otherName with an empty value", input: "a006 06022a03 a000" },
    { name: "otherName with two values", input: "a00a 06022a03 a004 0500 0500" },
    { name: "empty registeredID", input: "8800" },
    { name: "registeredID cut short", input: "8802 2a83" },
    { name: "tag 9", input: "8901 00" },
    { name: "a universal tag", input: "1603 612e62" },
  ])("refused: $name", ({ input, form }) => {
    expect(refusalCode(() => decode(hex(input), form))).toBe("der_malformed");
  });

  test("RFC 5280 §4.2.1.10: as a constraint the empty directoryName stands for every name", () => {
    const everyName: GeneralName = { kind: "directoryName", value: [] };
    expect(decode(hex("a402 3000"), "constraint")).toEqual(everyName);
    expect(encodeGeneralName(everyName, "constraint")).toEqual(hex("a402 3000"));
    expect(refusalCode(() => encodeGeneralName(everyName))).toBe("der_malformed");
  });

  test("random octets under every tag meet an AppError or come back the same", () => {
    const tags = fc.constantFrom(0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, 0x86, 0x87, 0x88);
    const form = fc.constantFrom<GeneralNameForm>("name", "constraint");
    fc.assert(
      fc.property(tags, fc.uint8Array({ maxLength: 20 }), form, (tag, content, kind) => {
        const bytes = Buffer.of(tag, content.length, ...content);
        if (!accepts(() => decode(bytes, kind))) return;
        expect(encodeGeneralName(decode(bytes, kind), kind)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("canonicalGeneralName", () => {
  test.each([
    {
      name: "dNSName: case and trailing period",
      variants: [dns("Example.COM"), dns("example.com.")],
      expected: "dns:example.com",
    },
    {
      name: "RFC 3986 §6.2.2.1: scheme and host lose case, the path keeps it",
      variants: [uri("SPIFFE://Example.com/Fleet/A")],
      expected: "uri:spiffe://example.com/Fleet/A",
    },
    {
      name: "RFC 3986 §6.2.2.2: needless percent-encoding",
      variants: [uri("a://b/%7e%41"), uri("a://b/~A")],
      expected: "uri:a://b/~A",
    },
    {
      name: "needed percent-encoding, in upper case",
      variants: [uri("a://b/x%2fy"), uri("a://b/x%2Fy")],
      expected: "uri:a://b/x%2Fy",
    },
    { name: "a query right after the host", variants: [uri("A://B?Q=C")], expected: "uri:a://b?Q=C" },
    { name: "iPAddress", variants: [ip("2001:DB8:0::1"), ip("2001:db8::0:1")], expected: "ip:2001:db8::1" },
    { name: "network", variants: [ip("10.0.0.0/8")], expected: "ip:10.0.0.0/8" },
    { name: "rfc822Name", variants: [email("A@B.example")], expected: "email:a@b.example" },
  ])("$name", ({ variants, expected }) => {
    expect(variants.map(canonicalGeneralName)).toEqual(variants.map(() => expected));
  });

  test("kinds never meet: the same text in two kinds has two forms", () => {
    expect(canonicalGeneralName(dns("192.0.2.1"))).not.toBe(canonicalGeneralName(ip("192.0.2.1")));
    expect(refusalCode(() => canonicalGeneralName(ip("192.0.2.1\u0000")))).toBe("der_malformed");
    expect(refusalCode(() => canonicalGeneralName(dns("a\u200b.example")))).toBe("name_not_permitted");
  });
});
