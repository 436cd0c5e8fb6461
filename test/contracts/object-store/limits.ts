import { describe, expect, it } from "vitest";
import { objectLimits } from "../../../core/object-limits.ts";
import { codeOf } from "../../support/errors.ts";
import { freshKey, type StoreOf, text, textOf } from "./material.ts";

/** A file system or S3 would read, write or list something else than these say. */
const oddKeys = [
  "",
  "/",
  "/a",
  "a/",
  "a//b",
  ".",
  "..",
  "../a",
  "a/../b",
  "a/./b",
  ".hidden",
  "a/.lock",
  "-flag",
  "a b",
  "a\\b",
  "a\0",
  "a\nb",
  "a%2fb",
  "a?b",
  "a#b",
  "a=b",
  "a~object",
  "jané",
  "someone@example.com",
  "\ud800",
  "a".repeat(121),
  `a/${"b".repeat(121)}/c`,
  Array.from({ length: 257 }, () => "a").join("/"),
];

const longest = [...Array.from({ length: 4 }, () => "a".repeat(120)), "a".repeat(28)].join("/");

/** All stored beside each other: none hides another. */
const tellingKeys = [
  "a",
  "a/b",
  "a/b/c",
  "A",
  "A/b",
  "a/B",
  "trust.pem",
  "trust.pem/x",
  "ceremonies/default/2026-01-02T03:04:05.678Z-fleet-created.json",
  "ceremonies/default/2026-01-02t03:04:05.678z-fleet-created.json",
  "1_2-3.4",
  longest,
];

export function limitContract(store: StoreOf): void {
  describe("limits", () => {
    it.each(oddKeys)("the key %j is refused, for reading and for writing", async (key) => {
      expect(await codeOf(store().get(key))).toBe("store_limit_exceeded");
      expect(await codeOf(store().put(key, text("x")))).toBe("store_limit_exceeded");
    });

    it("keys that differ in anything are different objects, one inside the other among them", async () => {
      const under = freshKey();
      const whole = tellingKeys.map((key) => (key === longest ? key : `${under}/${key}`));
      for (const key of whole) await store().put(key, text(key));
      for (const key of whole) expect(await textOf(store(), key)).toBe(key);
    });

    it("one octet above the limit is refused, before a condition is looked at, and nothing is stored", async () => {
      const key = freshKey();
      const body = Buffer.alloc(objectLimits.objectBytes + 1);
      const put = store().put(key, { body, contentType: "text/plain" }, { tag: "none" });
      expect(await codeOf(put)).toBe("store_limit_exceeded");
      expect(await store().get(key)).toBeUndefined();
    });

    it.each(["", "text", "text/", "/plain", "text/plain ", "text/plain\r\nX-Evil: 1", "tëxt/plain", "a/b;c"])(
      "the media type %j is refused",
      async (contentType) => {
        const key = freshKey();
        expect(await codeOf(store().put(key, { body: Buffer.of(1), contentType }))).toBe(
          "store_limit_exceeded",
        );
        expect(await store().get(key)).toBeUndefined();
      },
    );

    it.each(["", " no-store", "no-store\r\nSet-Cookie: a=b", "no-store\n", "max-age=", "a".repeat(256), "ü"])(
      "the Cache-Control %j is refused",
      async (cacheControl) => {
        const key = freshKey();
        expect(await codeOf(store().put(key, { ...text("x"), cacheControl }))).toBe("store_limit_exceeded");
        expect(await store().get(key)).toBeUndefined();
      },
    );
  });
}
