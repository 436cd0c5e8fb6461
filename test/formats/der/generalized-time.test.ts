/** GeneralizedTime in every year, as OCSP has its times. */
import { describe, expect, test } from "vitest";
import { DerCursor } from "../../../core/formats/der/cursor.ts";
import { encodeElement, encodeGeneralizedTimeElement } from "../../../core/formats/der/writer.ts";
import { refusalCode } from "../refusal.ts";

const decode = (text: string, kind = 0x18): number =>
  DerCursor.over(encodeElement(kind, Buffer.from(text, "latin1"))).generalizedTime();

test.each([
  { text: "19500101000000Z", time: Date.UTC(1950, 0, 1) },
  { text: "19700101000000Z", time: 0 },
  { text: "20240229235959Z", time: Date.UTC(2024, 1, 29, 23, 59, 59) },
  { text: "20500101000000Z", time: Date.UTC(2050, 0, 1) },
  { text: "99991231235959Z", time: Date.UTC(9999, 11, 31, 23, 59, 59) },
])("RFC 6960 §4.2.1: $text", ({ text, time }) => {
  expect(decode(text)).toBe(time);
  expect(encodeGeneralizedTimeElement(time).subarray(2).toString()).toBe(text);
});

describe("refused", () => {
  test.each([
    { name: "UTCTime", text: "260101000000Z", kind: 0x17 },
    { name: "a fraction", text: "20260101000000.5Z" },
    { name: "no seconds", text: "202601010000Z" },
    { name: "an offset", text: "20260101000000+0100" },
    { name: "no Z", text: "202601010000000" },
    { name: "the 30th of February", text: "20260230000000Z" },
    { name: "month 13", text: "20261301000000Z" },
    { name: "24 o'clock", text: "20260101240000Z" },
    { name: "a leap second", text: "20161231235960Z" },
    { name: "letters", text: "2026010100000AZ" },
    { name: "letters in the year", text: "20A60101000000Z" },
    { name: "a year before 1950", text: "19491231235959Z" },
  ])("$name", ({ text, kind }) => {
    expect(refusalCode(() => decode(text, kind))).toBe("der_malformed");
  });

  test.each([0.5, 500, Date.UTC(1949, 0, 1), Date.UTC(10_000, 0, 1), Number.NaN])("writing %d", (time) => {
    expect(refusalCode(() => encodeGeneralizedTimeElement(time))).toBe("der_malformed");
  });
});
