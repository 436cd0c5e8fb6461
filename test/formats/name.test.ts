import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DerCursor } from "../../core/formats/der/cursor.ts";
import { checkDer } from "../../core/formats/der/structure.ts";
import { tag } from "../../core/formats/der/tag.ts";
import { encodeElement, encodeOidElement, encodeSequence } from "../../core/formats/der/writer.ts";
import {
  canonicalName,
  commonNames,
  decodeName,
  encodeName,
  type Name,
  name,
} from "../../core/formats/name.ts";
import { distinguishedName } from "./arbitraries.ts";
import { emptied, mutations, parseTree } from "./der-tree.ts";
import { accepts, hex, refusal, refusalCode } from "./refusal.ts";

const utf8 = (type: string, value: string) => ({ type, value, encoding: tag.utf8String });
const commonName = "2.5.4.3";
const organization = "2.5.4.10";

function decode(bytes: Uint8Array): Name {
  checkDer(bytes);
  const cursor = DerCursor.over(bytes);
  const decoded = decodeName(cursor);
  cursor.done();
  return decoded;
}

/** A name of one attribute with any string tag and content. */
const foreign = (type: string, encoding: number, content: Uint8Array): Buffer =>
  encodeSequence(
    encodeElement(tag.set, encodeSequence(encodeOidElement(type), encodeElement(encoding, content))),
  );

describe("encodeName and decodeName", () => {
  test("RFC 5280 §4.1.2.4: countryName and serialNumber are PrintableString, the rest UTF8String", () => {
    const encoded = encodeName(
      name([
        ["countryName", "CH"],
        ["organizationName", "A"],
        ["serialNumber", "7"],
      ]),
    );
    expect(encoded.toString("hex")).toBe(
      "3025310b3009060355040613024348310a3008060355040a0c0141310a30080603550405130137",
    );
  });

  test("an empty name is an empty sequence", () => {
    expect(encodeName([])).toEqual(hex("3000"));
    expect(decode(hex("3000"))).toEqual([]);
  });

  test("decode after encode is the identity up to X.690 §11.6's order within a relative name", () => {
    fc.assert(
      fc.property(distinguishedName, (given) => {
        const encoded = encodeName(given);
        const decoded = decode(encoded);
        expect(encodeName(decoded)).toEqual(encoded);
        const sorted = (each: Name) => each.map((set) => [...set].sort((a, b) => (a.type < b.type ? -1 : 1)));
        expect(sorted(decoded)).toEqual(sorted(given));
        expect(canonicalName(decoded)).toBe(canonicalName(given));
      }),
    );
  });

  test.each([
    { name: "commonName of 64", type: commonName, length: 64, expected: true },
    { name: "commonName of 65", type: commonName, length: 65, expected: false },
    { name: "organizationName of 65", type: organization, length: 65, expected: false },
    { name: "localityName of 128", type: "2.5.4.7", length: 128, expected: true },
    { name: "localityName of 129", type: "2.5.4.7", length: 129, expected: false },
    { name: "an empty commonName", type: commonName, length: 0, expected: false },
    { name: "an unknown type of 257", type: "1.2.3.4", length: 257, expected: false },
  ])("RFC 5280 Appendix A.1: $name characters", ({ type, length, expected }) => {
    // Two octets each: bounds count characters, not octets.
    const text = "é".repeat(length);
    expect(accepts(() => encodeName([[utf8(type, text)]]))).toBe(expected);
    expect(accepts(() => decode(foreign(type, tag.utf8String, Buffer.from(text))))).toBe(expected);
  });

  test("a character beyond the basic plane counts once", () => {
    expect(accepts(() => encodeName([[utf8(commonName, "𝐟".repeat(64))]]))).toBe(true);
  });

  test.each([
    { name: "TeletexString", type: commonName, encoding: tag.teletexString, content: "41" },
    { name: "BMPString", type: commonName, encoding: tag.bmpString, content: "0041" },
    { name: "UniversalString", type: commonName, encoding: tag.universalString, content: "00000041" },
    { name: "IA5String as commonName", type: commonName, encoding: tag.ia5String, content: "41" },
    { name: "UTF8String as countryName", type: "2.5.4.6", encoding: tag.utf8String, content: "4348" },
    {
      name: "UTF8String as emailAddress",
      type: "1.2.840.113549.1.9.1",
      encoding: tag.utf8String,
      content: "4140",
    },
    { name: "an INTEGER as commonName", type: commonName, encoding: tag.integer, content: "41" },
    { name: "countryName of three", type: "2.5.4.6", encoding: tag.printableString, content: "434845" },
    { name: "NUL in commonName", type: commonName, encoding: tag.utf8String, content: "610062" },
    { name: "a zero-width space", type: commonName, encoding: tag.utf8String, content: "61e2808b62" },
    { name: "a byte order mark", type: commonName, encoding: tag.utf8String, content: "efbbbf61" },
    { name: "broken UTF-8", type: commonName, encoding: tag.utf8String, content: "c328" },
    {
      name: "an asterisk in PrintableString",
      type: commonName,
      encoding: tag.printableString,
      content: "2a",
    },
  ])("refused: $name", ({ type, encoding, content }) => {
    const error = refusal(() => decode(foreign(type, encoding, hex(content))));
    expect(error.code).toBe("der_malformed");
  });

  test("a refusal names the type and the limit, not the value", () => {
    const error = refusal(() => encodeName([[utf8(commonName, "patient".repeat(10))]]));
    expect(error.message).toBe("commonName of 70 characters: 1 to 64 are allowed (RFC 5280 A.1)");
  });

  const a = "3008 0603550403 0c0141";
  const b = "3008 0603550407 0c0142";
  test.each([
    { name: "an empty relative name", input: "3002 3100" },
    { name: "X.690 §11.6: attributes out of order", input: `3016 3114 ${b} ${a}` },
    { name: "X.501 §9.3: a type twice", input: `3016 3114 ${a} 3008 0603550403 0c0142` },
    { name: "an attribute twice", input: `3016 3114 ${a} ${a}` },
    { name: "an attribute of three elements", input: "300e 310c 300a 0603550403 0c0141 0500" },
    { name: "an attribute without value", input: "3009 3107 3005 0603550403" },
    { name: "a sequence where a set belongs", input: `300c 300a ${a}` },
  ])("refused: $name", ({ input }) => {
    expect(refusalCode(() => decode(hex(input)))).toBe("der_malformed");
  });

  test("every list emptied is refused, but the name itself", () => {
    const root = parseTree(
      encodeName([[utf8(organization, "A")], [utf8(commonName, "B"), utf8("2.5.4.7", "C")]]),
    );
    const accepted = mutations(root, emptied).filter(({ bytes }) => accepts(() => decode(bytes)));
    expect(accepted.map(({ path }) => path)).toEqual([""]);
  });

  test("one octet changed anywhere: an AppError, or a name that encodes to the same octets", () => {
    const encoded = encodeName([[utf8(organization, "Acmé")], [utf8(commonName, "B"), utf8("2.5.4.7", "C")]]);
    for (let at = 0; at < encoded.length; at += 1) {
      for (let octet = 0; octet < 256; octet += 1) {
        const changed = Buffer.from(encoded);
        changed[at] = octet;
        if (accepts(() => decode(changed))) expect(encodeName(decode(changed))).toEqual(changed);
      }
    }
  });
});

describe("canonicalName (RFC 5280 §7.1)", () => {
  const of = (...sets: (readonly [string, string])[][]): string =>
    canonicalName(sets.map((set) => set.map(([type, value]) => utf8(type, value))));

  test("string type, case, width and spacing have no say", () => {
    const printable = [[{ type: commonName, value: "PUMP  7", encoding: tag.printableString }]];
    expect(canonicalName(printable)).toBe(of([[commonName, "ｐump 7 "]]));
  });

  test("separators inside a value forge no structure", () => {
    const forms = [
      of([[organization, "a"]], [[commonName, "b"]]),
      of([[organization, "a,2.5.4.3=b"]]),
      of([
        [organization, "a"],
        [commonName, "b"],
      ]),
      of([[organization, "a+2.5.4.3=b"]]),
      of([[organization, "a\\"]], [[commonName, "b"]]),
      of([[organization, "a\\,2.5.4.3=b"]]),
      of([[organization, "a，2.5.4.3＝b"]], [[commonName, "c"]]),
      of([[commonName, "b"]], [[organization, "a"]]),
      of([[organization, "a"]]),
      of(),
    ];
    expect(new Set(forms).size).toBe(forms.length);
  });

  test("within a relative name order has no say", () => {
    expect(
      of([
        [organization, "a"],
        [commonName, "b"],
      ]),
    ).toBe(
      of([
        [commonName, "b"],
        [organization, "a"],
      ]),
    );
  });

  test("it is injective: equal forms mean equal structure and equal values under folding", () => {
    const folded = (each: Name) =>
      JSON.stringify(each.map((set) => set.map((one) => canonicalName([[one]])).sort()));
    fc.assert(
      fc.property(distinguishedName, distinguishedName, (left, right) => {
        expect(canonicalName(left) === canonicalName(right)).toBe(folded(left) === folded(right));
      }),
    );
  });
});

test("commonNames gives all of them", () => {
  expect(commonNames([[utf8(commonName, "a"), utf8(organization, "b")], [utf8(commonName, "c")]])).toEqual([
    "a",
    "c",
  ]);
});
