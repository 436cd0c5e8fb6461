import { describe, expect, it } from "vitest";
import { codeOf } from "../../support/errors.ts";
import { freshKey, type StoreOf, text, textOf } from "./material.ts";

export function conditionContract(store: StoreOf): void {
  describe("conditions", () => {
    it("absent: puts where nothing is, and refuses where something is", async () => {
      const key = freshKey();
      await store().put(key, text("first"), "absent");
      expect(await codeOf(store().put(key, text("second"), "absent"))).toBe("store_condition_failed");
      expect(await textOf(store(), key)).toBe("first");
    });

    it("absent refuses the very octets that are there", async () => {
      const key = freshKey();
      await store().put(key, text("same"), "absent");
      expect(await codeOf(store().put(key, text("same"), "absent"))).toBe("store_condition_failed");
    });

    it("a tag: replaces what has it, told by put or by get, and refuses what has another by now", async () => {
      const key = freshKey();
      const first = await store().put(key, text("first"));
      const second = await store().put(key, text("second"), { tag: first.tag });
      expect(await codeOf(store().put(key, text("lost"), { tag: first.tag }))).toBe("store_condition_failed");
      expect(await textOf(store(), key)).toBe("second");
      const read = await store().get(key);
      expect(read?.tag).toBe(second.tag);
      await store().put(key, text("third"), { tag: read?.tag ?? "" });
      expect(await textOf(store(), key)).toBe("third");
    });

    it("a tag refuses where nothing is, and leaves nothing there", async () => {
      const key = freshKey();
      const { tag } = await store().put(freshKey(), text("elsewhere"));
      expect(await codeOf(store().put(key, text("x"), { tag }))).toBe("store_condition_failed");
      expect(await store().get(key)).toBeUndefined();
    });

    it.each(["", "*", '"*"', "no tag", '"0123456789abcdef0123456789abcdef"', '"a", "b"', 'W/"a"', '"a"\r\n'])(
      "the tag %j, which no object has, refuses",
      async (tag) => {
        const key = freshKey();
        await store().put(key, text("first"));
        expect(await codeOf(store().put(key, text("second"), { tag }))).toBe("store_condition_failed");
        expect(await textOf(store(), key)).toBe("first");
      },
    );

    it("without a condition the last writer wins", async () => {
      const key = freshKey();
      for (const content of ["one", "two", "three"]) await store().put(key, text(content));
      expect(await textOf(store(), key)).toBe("three");
    });
  });
}
