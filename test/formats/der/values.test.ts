import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DerCursor } from "../../../core/formats/der/cursor.ts";
import { decodeOid, encodeOid } from "../../../core/formats/der/oid.ts";
import { decodeString, encodeString } from "../../../core/formats/der/string.ts";
import { checkDer } from "../../../core/formats/der/structure.ts";
import { tag } from "../../../core/formats/der/tag.ts";
import { decodeTime, encodeTime, noExpiry } from "../../../core/formats/der/time.ts";
import {
  encodeBitString,
  encodeNamedBits,
  encodeSetOf,
  encodeSmallInteger,
  encodeTimeElement,
  encodeUnsignedInteger,
} from "../../../core/formats/der/writer.ts";
import { accepts, hex, refusalCode } from "../refusal.ts";

const malformed = "der_malformed";

describe("object identifiers (X.690 §8.19)", () => {
  test.each([
    { dotted: "2.5.29.15", octets: "551d0f" },
    { dotted: "1.2.840.113549.1.1.11", octets: "2a864886f70d01010b" },
    { dotted: "0.9.2342.19200300.100.1.25", octets: "0992268993f22c640119" },
    { dotted: "2.999.3", octets: "883703" },
    { dotted: "2.100", octets: "8134" },
    { dotted: "0.0", octets: "00" },
    { dotted: "1.39", octets: "4f" },
    { dotted: "2.0", octets: "50" },
    { dotted: "2.25.340282366920938463463374607431768211455", octets: `69${"83"}${"ff".repeat(17)}7f` },
  ])("$dotted", ({ dotted, octets }) => {
    expect(Buffer.from(encodeOid(dotted)).toString("hex")).toBe(octets);
    expect(decodeOid(hex(octets))).toBe(dotted);
  });

  test.each(["", "1", "3.1", "1.40", "0.40", "1.2.", ".1.2", "1..2", "1.02", "1.a", "1.-2", "1.2 ", "-1.2"])(
    "X.660 §7.6: %j is no object identifier",
    (dotted) => {
      expect(refusalCode(() => encodeOid(dotted))).toBe(malformed);
    },
  );

  test.each([
    { name: "empty", octets: "" },
    { name: "truncated", octets: "2a86" },
    { name: "a leading 80", octets: "2a8001" },
    { name: "an arc beyond 128 bits", octets: `2a${"ff".repeat(19)}7f` },
  ])("refused: $name", ({ octets }) => {
    expect(refusalCode(() => decodeOid(hex(octets)))).toBe(malformed);
  });

  test("decode after encode is the identity", () => {
    const arc = fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, 2n ** 64n), fc.bigInt(0n, 2n ** 127n));
    const oid = fc.tuple(fc.constantFrom(0n, 1n, 2n), fc.bigInt(0n, 39n), fc.array(arc, { maxLength: 6 }));
    fc.assert(
      fc.property(oid, ([root, second, rest]) => {
        const dotted = [root, second, ...rest].join(".");
        expect(decodeOid(encodeOid(dotted))).toBe(dotted);
      }),
    );
  });
});

describe("times (RFC 5280 §4.1.2.5)", () => {
  test.each([
    { text: "500101000000Z", kind: tag.utcTime, iso: "1950-01-01T00:00:00Z" },
    { text: "491231235959Z", kind: tag.utcTime, iso: "2049-12-31T23:59:59Z" },
    { text: "20500101000000Z", kind: tag.generalizedTime, iso: "2050-01-01T00:00:00Z" },
    { text: "240229120000Z", kind: tag.utcTime, iso: "2024-02-29T12:00:00Z" },
    { text: "99991231235959Z", kind: tag.generalizedTime, iso: "9999-12-31T23:59:59Z" },
  ])("$text is $iso", ({ text, kind, iso }) => {
    expect(encodeTime(Date.parse(iso))).toEqual({ tag: kind, text });
    expect(decodeTime(kind, Buffer.from(text), 0)).toBe(Date.parse(iso));
  });

  test("99991231235959Z means no expiry", () => {
    expect(encodeTime(noExpiry).text).toBe("99991231235959Z");
  });

  test.each([
    { name: "GeneralizedTime before 2050", kind: tag.generalizedTime, text: "20491231235959Z" },
    { name: "no seconds", kind: tag.utcTime, text: "2401011200Z" },
    { name: "an offset", kind: tag.utcTime, text: "240101120000+0000" },
    { name: "a fraction", kind: tag.generalizedTime, text: "20500101000000.5Z" },
    { name: "no Z", kind: tag.utcTime, text: "2401011200000" },
    { name: "a small z", kind: tag.utcTime, text: "240101120000z" },
    { name: "30 February", kind: tag.utcTime, text: "240230120000Z" },
    { name: "29 February of a common year", kind: tag.utcTime, text: "230229120000Z" },
    { name: "month 0", kind: tag.utcTime, text: "240001120000Z" },
    { name: "month 13", kind: tag.utcTime, text: "241301120000Z" },
    { name: "day 0", kind: tag.utcTime, text: "240100120000Z" },
    { name: "hour 24", kind: tag.utcTime, text: "240101240000Z" },
    { name: "a leap second", kind: tag.utcTime, text: "161231235960Z" },
    { name: "a letter", kind: tag.utcTime, text: "24o101120000Z" },
    { name: "a sign", kind: tag.utcTime, text: "24+101120000Z" },
    { name: "another type", kind: tag.utf8String, text: "240101120000Z" },
  ])("refused: $name", ({ kind, text }) => {
    expect(refusalCode(() => decodeTime(kind, Buffer.from(text), 0))).toBe(malformed);
  });

  test.each([Number.NaN, 1, 1.5, Date.UTC(1949, 11, 31), noExpiry + 1000, Number.POSITIVE_INFINITY])(
    "%d ms cannot be encoded",
    (time) => {
      expect(refusalCode(() => encodeTime(time))).toBe(malformed);
    },
  );

  test("decode after encode is the identity on whole seconds", () => {
    const seconds = fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: noExpiry / 1000 });
    fc.assert(
      fc.property(seconds, (second) => {
        expect(DerCursor.over(encodeTimeElement(second * 1000)).time()).toBe(second * 1000);
      }),
    );
  });
});

describe("strings (X.680 §41)", () => {
  test.each([
    { name: "an asterisk in PrintableString", kind: tag.printableString, octets: "2a" },
    { name: "an at sign in PrintableString", kind: tag.printableString, octets: "40" },
    { name: "a line feed in PrintableString", kind: tag.printableString, octets: "410a" },
    { name: "an octet above 7f in IA5String", kind: tag.ia5String, octets: "80" },
    { name: "a lone continuation octet in UTF8String", kind: tag.utf8String, octets: "80" },
    { name: "RFC 3629 §3: an overlong form", kind: tag.utf8String, octets: "c080" },
    { name: "RFC 3629 §3: a surrogate", kind: tag.utf8String, octets: "eda080" },
    { name: "beyond U+10FFFF", kind: tag.utf8String, octets: "f4908080" },
    { name: "TeletexString", kind: tag.teletexString, octets: "41" },
    { name: "BMPString", kind: tag.bmpString, octets: "0041" },
  ])("refused: $name", ({ kind, octets }) => {
    expect(refusalCode(() => decodeString(kind, hex(octets)))).toBe(malformed);
  });

  test.each([
    { name: "a lone surrogate as UTF8String", kind: tag.utf8String, text: "\ud800" },
    { name: "é as PrintableString", kind: tag.printableString, text: "é" },
    { name: "ł as IA5String", kind: tag.ia5String, text: "ł" },
    { name: "anything as BMPString", kind: tag.bmpString, text: "a" },
  ])("cannot be encoded: $name", ({ kind, text }) => {
    expect(refusalCode(() => encodeString(kind, text))).toBe(malformed);
  });

  test("decode after encode is the identity on well-formed text, a byte order mark included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(text.isWellFormed());
        expect(decodeString(tag.utf8String, encodeString(tag.utf8String, text))).toBe(text);
      }),
      { examples: [["\ufeffa"]] },
    );
  });
});

describe("cursor and writer", () => {
  const read = (input: string): DerCursor => DerCursor.over(hex(input));
  test.each([
    { name: "integer of 2^31 as a small integer", act: () => read("02050080000000").smallInteger() },
    { name: "negative small integer", act: () => read("0201ff").smallInteger() },
    { name: "integer that is not minimal", act: () => read("02020001").integer() },
    { name: "boolean 01", act: () => read("010101").boolean() },
    { name: "bit string with unused bits as octets", act: () => read("030201fe").bitString() },
    { name: "empty bit string element", act: () => read("0300").bitString() },
    { name: "X.690 §11.2.2: named bits with a trailing zero", act: () => read("03020480").namedBits() },
    { name: "named bits with unused bits set", act: () => read("03020181").namedBits() },
    { name: "null with content", act: () => read("050100").null() },
    { name: "another tag", act: () => read("0500").sequence() },
    { name: "nothing left", act: () => read("").element() },
    { name: "octets left over", act: () => read("0500").done() },
    { name: "two sequences where one is wanted", act: () => DerCursor.inSequence(hex("30003000")) },
  ])("refused: $name", ({ act }) => {
    expect(refusalCode(act)).toBe(malformed);
  });

  test("X.690 §11.6: a SET OF is written in ascending order", () => {
    const written = encodeSetOf(hex("0c0162"), hex("0c0161"), hex("0c026161"));
    expect(written.toString("hex")).toBe("310a0c01610c01620c026161");
  });

  test.each([-1, 1.5, 2 ** 31, Number.NaN])("small integer %d cannot be encoded", (value) => {
    expect(accepts(() => encodeSmallInteger(value))).toBe(false);
  });

  test("integers, bit strings and named bits are read as they were written", () => {
    const bits = fc.uniqueArray(fc.nat(40), { minLength: 1 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0x7fffffff), bits, (octets, small, named) => {
        for (const element of [encodeUnsignedInteger(octets), encodeBitString(octets)]) checkDer(element);
        const magnitude = BigInt(`0x00${Buffer.from(octets).toString("hex")}`);
        const content = DerCursor.over(encodeUnsignedInteger(octets)).integer();
        expect(BigInt(`0x${Buffer.from(content).toString("hex")}`)).toBe(magnitude);
        expect(DerCursor.over(encodeSmallInteger(small)).smallInteger()).toBe(small);
        expect(DerCursor.over(encodeNamedBits(named)).namedBits()).toEqual(new Set(named));
        expect(Buffer.from(DerCursor.over(encodeBitString(octets)).bitString())).toEqual(Buffer.from(octets));
      }),
    );
  });
});
