import { describe, expect, it } from "vitest";
import type { ObjectStore } from "../../../core/ports.ts";
import { freshKey, outcome, type StoreOf, text, textOf, together } from "./material.ts";

async function winnersOf(
  store: ObjectStore,
  key: string,
  when: "absent" | { readonly tag: string },
): Promise<readonly string[]> {
  const names = await together(20, async (writer) => {
    const name = `writer ${writer}`;
    return (await outcome(() => store.put(key, text(name), when))) === "refused" ? undefined : name;
  });
  return names.filter((name) => name !== undefined);
}

async function increment(store: ObjectStore, key: string): Promise<void> {
  for (;;) {
    const counter = await store.get(key);
    if (counter === undefined) throw new Error("the counter is gone");
    const next = text(String(Number(Buffer.from(counter.body).toString()) + 1));
    if ((await outcome(() => store.put(key, next, { tag: counter.tag }))) !== "refused") return;
  }
}

export function raceContract(store: StoreOf): void {
  describe("races", () => {
    it("of 20 writers of one absent key at once, one wins, and its octets are there", async () => {
      const key = freshKey();
      const winners = await winnersOf(store(), key, "absent");
      expect(winners).toHaveLength(1);
      expect(await textOf(store(), key)).toBe(winners[0]);
    });

    it("of 20 writers of one tag at once, one wins, and its octets are there", async () => {
      const key = freshKey();
      const { tag } = await store().put(key, text("before"));
      const winners = await winnersOf(store(), key, { tag });
      expect(winners).toHaveLength(1);
      expect(await textOf(store(), key)).toBe(winners[0]);
    });

    it("50 conditional increments from 10 writers at once lose none", { timeout: 120_000 }, async () => {
      const key = freshKey();
      await store().put(key, text("0"));
      await together(10, async () => {
        for (let at = 0; at < 5; at += 1) await increment(store(), key);
      });
      expect(await textOf(store(), key)).toBe("50");
    });

    it("who reads while others replace sees one object or another, whole", { timeout: 120_000 }, async () => {
      const key = freshKey();
      const object = (writer: number) => ({
        body: Buffer.alloc(100_000 + writer, `${writer % 10}`),
        contentType: `text/x-${writer}`,
      });
      await store().put(key, object(0));
      let writing = true;
      const writers = together(4, async (writer) => {
        for (let at = 0; at < 5; at += 1) await outcome(() => store().put(key, object(1 + writer * 5 + at)));
      }).finally(() => {
        writing = false;
      });
      let readings = 0;
      while (writing) {
        const read = await store().get(key);
        const writer = Number(read?.contentType.replace("text/x-", ""));
        expect(Buffer.from(read?.body ?? []).equals(object(writer).body)).toBe(true);
        readings += 1;
      }
      await writers;
      expect(readings).toBeGreaterThan(0);
    });
  });
}
