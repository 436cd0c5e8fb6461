import { describe, expect, it } from "vitest";
import { codeOf } from "../../support/errors.ts";
import { freshKey, type StoreOf, text, textOf } from "./material.ts";

export function removalContract(store: StoreOf): void {
  describe("removals", () => {
    it("what was removed is read no more, and the keys beside and below it stay", async () => {
      const key = freshKey();
      for (const each of [key, `${key}/below`, `${key}.beside`]) await store().put(each, text(each));
      await store().remove(key);
      expect(await store().get(key)).toBeUndefined();
      expect(await textOf(store(), `${key}/below`)).toBe(`${key}/below`);
      expect(await textOf(store(), `${key}.beside`)).toBe(`${key}.beside`);
    });

    it("where nothing is, nothing changes, however often", async () => {
      const key = freshKey();
      await store().remove(key);
      await store().put(key, text("x"));
      await store().remove(key);
      await store().remove(key);
      expect(await store().get(key)).toBeUndefined();
    });

    it("a removed key is absent for conditions, and can be put again", async () => {
      const key = freshKey();
      const { tag } = await store().put(key, text("first"));
      await store().remove(key);
      expect(await codeOf(store().put(key, text("second"), { tag }))).toBe("store_condition_failed");
      await store().put(key, text("third"), "absent");
      expect(await textOf(store(), key)).toBe("third");
    });

    it.each(["", "a//b", "../a", "a/"])("the key %j is refused", async (key) => {
      expect(await codeOf(store().remove(key))).toBe("store_limit_exceeded");
    });
  });
}
