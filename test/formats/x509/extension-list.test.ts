import { describe, expect, test } from "vitest";
import { DerCursor } from "../../../core/formats/der/cursor.ts";
import { checkDer } from "../../../core/formats/der/structure.ts";
import {
  decodeExtensions,
  type Extension,
  encodeExtensions,
  extension,
} from "../../../core/formats/x509/extension.ts";
import { noRevAvail } from "../../../core/formats/x509/extensions/index.ts";
import { hex, refusalCode } from "../refusal.ts";

describe("the list (RFC 5280 §4.1.2.9)", () => {
  const decode = (input: Uint8Array): readonly Extension[] => {
    checkDer(input);
    return decodeExtensions(DerCursor.over(input));
  };

  test("X.690 §11.5: critical FALSE is not written, TRUE is", () => {
    const encoded = encodeExtensions([extension(noRevAvail, true, false), extension(noRevAvail, true, true)]);
    expect(encoded).toEqual(hex("3019 3009 0603551d38 04020500 300c 0603551d38 0101ff 04020500"));
  });

  test("repeated types are returned: callers judge", () => {
    const twice = [extension(noRevAvail, true, false), extension(noRevAvail, true, true)];
    expect(decode(encodeExtensions(twice))).toEqual(twice);
  });

  test.each([
    { name: "an empty list", input: "3000" },
    { name: "an empty extension", input: "3002 3000" },
    { name: "critical FALSE, encoded", input: "300e 300c 0603551d38 010100 04020500" },
    { name: "no value", input: "3007 3005 0603551d38" },
    { name: "a value that is no OCTET STRING", input: "3009 3007 0603551d38 0500" },
    { name: "a fourth element", input: "300d 300b 0603551d38 04020500 0500" },
  ])("refused: $name", ({ input }) => {
    expect(refusalCode(() => decode(hex(input)))).toBe("der_malformed");
  });
});
