import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { objectPath } from "../adapters/local/objects/object-file.ts";
import { AppError } from "../core/errors.ts";
import { checkObject, checkObjectKey, checkObjectSize, objectLimits } from "../core/object-limits.ts";

const object = { body: new Uint8Array(1), contentType: "text/plain" };

function messageOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    if (error instanceof AppError && error.code === "store_limit_exceeded") return error.message;
    throw error;
  }
  return expect.fail("nothing was refused");
}

describe("messages give value, limit and remedy, and never the key", () => {
  it.each([
    { key: "", says: "object key has 0 octets, limit 1 to 512; use a shorter one" },
    { key: `${"a/".repeat(256)}b`, says: "object key has 513 octets, limit 1 to 512; use a shorter one" },
    {
      key: `a/${"b".repeat(121)}`,
      says: 'segment 1 of an object key has 121 octets, limit 120; shorten it or part it by "/"',
    },
  ])("$says", ({ key, says }) => {
    expect(messageOf(() => checkObjectKey(key))).toBe(says);
  });

  it.each(["patients/Jane Doe", "patients/jane@example.com", "patients/../Jane"])("%j", (key) => {
    const message = messageOf(() => checkObjectKey(key));
    expect(message).toMatch(/^segment 1 of an object key, of \d+ characters, is refused; limit /);
    expect(message).not.toMatch(/jane/i);
  });

  it("sizes and headers", () => {
    expect(messageOf(() => checkObjectSize(objectLimits.objectBytes + 1))).toBe(
      "object has 64000001 octets, limit 64000000; split it",
    );
    expect(messageOf(() => checkObject("a", { ...object, contentType: "Jane" }))).toBe(
      "media type of 4 characters is refused; limit 255, in the form type/subtype; name=value",
    );
    expect(messageOf(() => checkObject("a", { ...object, cacheControl: "Jane Doe" }))).toBe(
      "Cache-Control of 8 characters is refused; limit 255, in the form public, max-age=300",
    );
  });

  it("the largest object, segment and header pass", () => {
    checkObjectSize(objectLimits.objectBytes);
    const contentType = `text/${"x".repeat(250)}`;
    checkObject(Array.from({ length: 4 }, () => "a".repeat(120)).join("/"), { ...object, contentType });
  });

  it("forms are judged in linear time: 255 characters that nearly fit take no longer than others", () => {
    const nearly = [`a/b${"; c=d".repeat(50)}`.slice(0, 254), `a/b; c="${" ".repeat(246)}`];
    for (const contentType of nearly) {
      messageOf(() => checkObject("a", { ...object, contentType: `${contentType}\n` }));
      messageOf(() => checkObject("a", { ...object, cacheControl: `${contentType}\n` }));
    }
  });
});

const segment = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,119}$/);
const keys = fc
  .array(segment, { minLength: 1, maxLength: 8 })
  .map((segments) => segments.join("/"))
  .filter((key) => key.length <= objectLimits.keyBytes);

describe("keys and file names", () => {
  it("what the form allows is not refused, and each of its file names has at most 255 octets", () => {
    fc.assert(
      fc.property(keys, (key) => {
        checkObjectKey(key);
        for (const name of objectPath(key).split("/")) expect(Buffer.byteLength(name)).toBeLessThan(256);
      }),
    );
  });

  it("two keys have two paths, also where capitals are not told apart, and none is a directory of another", () => {
    fc.assert(
      fc.property(keys, keys, (left, right) => {
        fc.pre(left !== right);
        const [one, other] = [objectPath(left).toLowerCase(), objectPath(right).toLowerCase()];
        expect(one).not.toBe(other);
        expect(other.startsWith(`${one}/`)).toBe(false);
      }),
    );
    expect(objectPath("a/B:c")).toBe("a/=b=_c~object");
    expect(objectPath("TRUST.pem").toLowerCase()).not.toBe(objectPath("trust.pem").toLowerCase());
  });
});
