import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkDer, type DerLimits } from "../../../core/formats/der/structure.ts";
import { parseTree, writeTree } from "../der-tree.ts";
import { accepts, hex, refusalCode } from "../refusal.ts";

const refused = [
  { name: "empty input", input: "" },
  { name: "a lone identifier octet", input: "30" },
  { name: "X.690 §8.1.2.4: high tag number form", input: "1f8101 00" },
  { name: "X.690 §8.1.5: end-of-contents octets", input: "0000" },
  { name: "X.690 §10.1: indefinite length", input: "3080 0500 0000" },
  { name: "X.690 §10.1: a non-minimal length", input: "048105 0102030405" },
  { name: "X.690 §10.1: a length with a leading zero", input: `04820080${"00".repeat(128)}` },
  { name: "X.690 §8.1.3.5: the reserved length ff", input: `04ff${"00".repeat(200)}` },
  { name: "a length of five octets", input: "048501000000 00" },
  { name: "a length that is cut short", input: "0482 01" },
  { name: "a length beyond the input", input: "0405 01020304" },
  { name: "a length beyond the enclosing element", input: "3003 040201ff" },
  { name: "a header cut by the enclosing element", input: "3001 04 00" },
  { name: "trailing octets", input: "0500 00" },
  { name: "a second element", input: "0500 0500" },
  { name: "X.690 §8.3.2: a positive integer with a needless zero", input: "0202 007f" },
  { name: "X.690 §8.3.2: a negative integer with a needless ff", input: "0202 ff80" },
  { name: "an empty integer", input: "0200" },
  { name: "an enumerated that is not minimal", input: "0a02 0001" },
  { name: "X.690 §11.1: a TRUE that is not ff", input: "0101 01" },
  { name: "an empty boolean", input: "0100" },
  { name: "a boolean of two octets", input: "0102 ffff" },
  { name: "a null with content", input: "0501 00" },
  { name: "a bit string without its first octet", input: "0300" },
  { name: "a bit string of 8 unused bits", input: "0302 0800" },
  { name: "a bit string of nothing with unused bits", input: "0301 01" },
  { name: "X.690 §11.2.1: unused bits that are set", input: "0302 0101" },
  { name: "an empty object identifier", input: "0600" },
  { name: "X.690 §8.19.2: an arc with a leading 80", input: "0603 2a8001" },
  { name: "an object identifier cut short", input: "0602 2a86" },
  { name: "a sequence in primitive form", input: "1000" },
  { name: "a set in primitive form", input: "1100" },
  { name: "X.690 §10.2: an octet string in constructed form", input: "2403 040101" },
  { name: "X.690 §10.2: a UTF8String in constructed form", input: "2c03 0c0141" },
];

describe("checkDer", () => {
  test.each(refused)("refused: $name", ({ input }) => {
    expect(refusalCode(() => checkDer(hex(input)))).toBe("der_malformed");
    // The same inside a sequence, where the length of the parent is right.
    const inner = hex(input);
    if (inner.length > 1 && inner.length < 0x80) {
      const outer = Buffer.concat([Buffer.of(0x30, inner.length), inner]);
      const severalElements = input.startsWith("0500");
      expect(accepts(() => checkDer(outer))).toBe(severalElements && input.endsWith("0500"));
    }
  });

  test.each([
    { name: "null", input: "0500" },
    { name: "the integers 0, 127, 128, -128", input: "300d 020100 02017f 02020080 020180" },
    { name: "an empty sequence in a set", input: "3102 3000" },
    { name: "a length in long form where it is needed", input: `048180${"00".repeat(128)}` },
    { name: "an empty bit string", input: "0301 00" },
    { name: "a bit string of seven bits", input: "0302 01fe" },
  ])("accepted: $name", ({ input }) => {
    expect(accepts(() => checkDer(hex(input)))).toBe(true);
  });

  const limits: DerLimits = { maxBytes: 16, maxDepth: 3, maxElements: 5 };
  test.each([
    { name: "16 octets, the limit", input: `040e${"00".repeat(14)}`, expected: undefined },
    { name: "17 octets", input: `040f${"00".repeat(15)}`, expected: "der_too_large" },
    { name: "3 levels, the limit", input: "3004 3002 3000", expected: undefined },
    { name: "4 levels", input: "3006 3004 3002 3000", expected: "der_too_deep" },
    { name: "5 elements, the limit", input: "3008 0500 0500 0500 0500", expected: undefined },
    { name: "6 elements", input: "300a 0500 0500 0500 0500 0500", expected: "der_too_deep" },
  ])("limits: $name", ({ input, expected }) => {
    const act = () => checkDer(hex(input), limits);
    if (expected === undefined) expect(accepts(act)).toBe(true);
    else expect(refusalCode(act)).toBe(expected);
  });

  test("60,000 levels of nesting are refused without exhausting the stack", () => {
    const bytes = Buffer.from("3080".repeat(30_000), "hex");
    expect(accepts(() => checkDer(bytes))).toBe(false);
  });

  test("random octets meet an AppError or are canonical: written again, they are the same", () => {
    const octet = fc.oneof(fc.constantFrom(0x30, 0x31, 2, 3, 4, 5, 6, 0, 1, 0x80, 0xff, 0xa0), fc.nat(255));
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 24 }), (octets) => {
        const bytes = Buffer.from(octets);
        if (accepts(() => checkDer(bytes))) expect(writeTree(parseTree(bytes))).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
  });
});
