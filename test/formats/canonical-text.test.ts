import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalText, refusedCharacter } from "../../core/formats/canonical-text.ts";
import { accepts, refusal } from "./refusal.ts";

describe("canonicalText", () => {
  test.each([
    { name: "case", variants: ["Pump-7", "PUMP-7", "pump-7"], expected: "pump-7" },
    {
      name: "RFC 4518 §2.6.1: outer and repeated spaces",
      variants: [" a  b ", "a b", "a\u00a0b", "a\u3000 b", "a\u1680b"],
      expected: "a b",
    },
    {
      name: "NFKC: full-width letters and signs",
      variants: ["ｐｕｍｐ．７", "pump.7", "ＰＵＭＰ.7"],
      expected: "pump.7",
    },
    {
      name: "NFKC: composed and decomposed letters",
      variants: ["Pümp", "Pu\u0308mp", "PU\u0308MP"],
      expected: "pümp",
    },
    { name: "NFKC: ligatures and mathematical letters", variants: ["ﬁx", "𝐟𝐢𝐱", "FIX"], expected: "fix" },
    { name: "the Turkish letters i", variants: ["fi", "FI", "fı", "Fİ", "fi\u0307"], expected: "fi" },
    { name: "the long s and the Kelvin sign", variants: ["ſKy", "sky", "SKY"], expected: "sky" },
    { name: "sharp s", variants: ["straße", "STRASSE", "STRAẞE"], expected: "strasse" },
    { name: "final sigma", variants: ["ΟΔΟΣ", "οδος", "οδοσ"], expected: "οδοσ" },
  ])("one form: $name", ({ variants, expected }) => {
    expect(variants.map(canonicalText)).toEqual(variants.map(() => expected));
  });

  test.each([
    { name: "NUL", text: "a\u0000b", codePoint: "U+0000" },
    { name: "a line feed", text: "a\nb", codePoint: "U+000A" },
    { name: "a tab", text: "a\tb", codePoint: "U+0009" },
    { name: "delete", text: "a\u007f", codePoint: "U+007F" },
    { name: "a C1 control", text: "a\u0085", codePoint: "U+0085" },
    { name: "a zero-width space", text: "ad\u200bmin", codePoint: "U+200B" },
    { name: "a zero-width joiner", text: "ad\u200dmin", codePoint: "U+200D" },
    { name: "a byte order mark", text: "\ufeffadmin", codePoint: "U+FEFF" },
    { name: "a soft hyphen", text: "ad\u00admin", codePoint: "U+00AD" },
    { name: "a right-to-left override", text: "\u202enimda", codePoint: "U+202E" },
    { name: "a variation selector", text: "a\ufe0f", codePoint: "U+FE0F" },
    { name: "a Hangul filler", text: "a\u3164", codePoint: "U+3164" },
    { name: "a tag character", text: "a\u{e0061}", codePoint: "U+E0061" },
    { name: "a line separator", text: "a\u2028b", codePoint: "U+2028" },
    { name: "a private-use character", text: "\ue000", codePoint: "U+E000" },
    { name: "an unassigned code point", text: "\u0378", codePoint: "U+0378" },
    { name: "a lone surrogate", text: "a\ud800", codePoint: "U+D800" },
    { name: "the replacement character", text: "\ufffd", codePoint: "U+FFFD" },
  ])("RFC 4518 §2.4: $name is refused", ({ text, codePoint }) => {
    const error = refusal(() => canonicalText(text));
    expect(error.code).toBe("name_not_permitted");
    expect(error.message).toContain(codePoint);
  });

  test("letters of other scripts stay different: Cyrillic а is not Latin a", () => {
    expect(canonicalText("pаy")).not.toBe(canonicalText("pay"));
  });

  test("every allowed code point: the form is stable and spaces and case have no say", () => {
    const unstable: string[] = [];
    for (let codePoint = 0x20; codePoint < 0x3_0000; codePoint += 1) {
      const text = String.fromCodePoint(codePoint);
      if (refusedCharacter(text) !== undefined) continue;
      const once = canonicalText(`i${text}`);
      if (canonicalText(once) !== once) unstable.push(codePoint.toString(16));
    }
    expect(unstable).toEqual([]);
  });

  test("it is idempotent and never throws anything but AppError", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        if (!accepts(() => canonicalText(text))) return;
        const once = canonicalText(text);
        expect(canonicalText(once)).toBe(once);
        expect(canonicalText(`  ${once} `)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });
});
