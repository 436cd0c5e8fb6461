import fc from "fast-check";
import { expect, it } from "vitest";
import {
  callersSortKey,
  indexSortKey,
  lowerBound,
  upperBound,
} from "../../../adapters/aws/dynamodb/index-sort-key.ts";
import { decodeItem, encodeItem } from "../../../adapters/aws/dynamodb/item-encoding.ts";
import { compareOctets } from "../../../core/item-limits.ts";
import type { NewItem } from "../../../core/ports.ts";

// Few characters, the escaped ones among them, so that prefixes and equal parts come up often.
const part = fc.string({
  unit: fc.constantFrom("\u0000", "\u0001", "\u0002", "\u0003", "\u0004", "a", "\uFFFD", "\u{10000}"),
  minLength: 1,
  maxLength: 4,
});
const triple = fc.tuple(part, part, part);
const stored = ([sortKey, pk, sk]: readonly [string, string, string]) => indexSortKey(sortKey, { pk, sk });
const many = { numRuns: 5_000 };

it("index sort keys are ordered as sort key, partition key and own sort key, one after the other", () => {
  const property = fc.property(triple, triple, (left, right) => {
    const expected = left
      .map((text, at) => compareOctets(text, right[at] ?? ""))
      .find((order) => order !== 0);
    expect(Math.sign(compareOctets(stored(left), stored(right)))).toBe(Math.sign(expected ?? 0));
  });
  fc.assert(property, many);
});

it("the caller's sort key comes back from an index sort key", () => {
  fc.assert(
    fc.property(triple, (keys) => {
      expect(callersSortKey(stored(keys))).toBe(keys[0]);
    }),
    many,
  );
});

it("bounds hold exactly the sort keys between them, both included", () => {
  const property = fc.property(triple, part, (keys, bound) => {
    const order = compareOctets(keys[0], bound);
    expect(compareOctets(stored(keys), lowerBound(bound)) >= 0).toBe(order >= 0);
    expect(compareOctets(stored(keys), upperBound(bound)) <= 0).toBe(order <= 0);
  });
  fc.assert(property, many);
});

it("an index sort key has the octets that the limit counts: 2 more, and one more for each escape", () => {
  expect(Buffer.byteLength(indexSortKey("a\u0000", { pk: "\u0002", sk: "b" }))).toBe(2 + 1 + 1 + 1 + 1 + 2);
});

const number = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => value === 0 || (Math.abs(value) >= 1e-130 && Math.abs(value) <= 1e125));
const value = fc.oneof(
  number.map((double) => double + 0),
  fc.string({ unit: "grapheme" }),
  fc.boolean(),
  fc.uint8Array(),
  fc.array(fc.string({ unit: "grapheme" })),
);

it("every item comes back as it was put, under the version it was given", () => {
  const item: fc.Arbitrary<NewItem> = fc.record(
    {
      pk: part,
      sk: part,
      attributes: fc.dictionary(fc.string({ minLength: 1 }), value),
      indexes: fc.record({ byIssue: fc.record({ pk: part, sk: part }) }),
      expiresAt: fc.integer({ min: 1 }),
    },
    { requiredKeys: ["pk", "sk", "attributes"] },
  );
  const property = fc.property(item, fc.integer({ min: 1 }), (put, version) => {
    expect(decodeItem(encodeItem(put, version))).toEqual({
      ...put,
      version,
      attributes: { ...put.attributes },
    });
  });
  fc.assert(property, { numRuns: 1_000 });
});

it("DynamoDB's own spelling of a number reads as the same double", () => {
  for (const N of ["1E+125", "1e-130", "0.30000000000000004", "9007199254740991", "-0"]) {
    const read = decodeItem({
      pk: { S: "a" },
      sk: { S: "a" },
      version: { N: "1" },
      attributes: { M: { n: { N } } },
    });
    expect(read.attributes["n"]).toBe(Number(N));
  }
});
