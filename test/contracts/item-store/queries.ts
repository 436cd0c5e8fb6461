import { describe, expect, it } from "vitest";
import type { ItemStore } from "../../../core/ports.ts";
import { freshPartition, putNew, readAll, type StoreOf, sortKeys } from "./material.ts";

// In UTF-8, U+FFFD (EF BF BD) sorts before U+10000 (F0 90 80 80). In UTF-16, D800 DC00 sorts before FFFD.
const byOctets = [
  "!",
  "0",
  "00",
  "1",
  "10",
  "2",
  "A",
  "a",
  "a#",
  "aa",
  "b",
  "~",
  "é",
  "ÿ",
  "ก",
  "\uE000",
  "\uFFFD",
].concat("\u{10000}", "\u{10000}a", "\u{1F511}", "\u{10FFFF}");

async function filled(store: ItemStore, keys: readonly string[]): Promise<string> {
  const pk = freshPartition();
  // Against the order, so that no order of arrival can pass for it.
  await store.transact(keys.toReversed().map((sk) => putNew({ pk, sk, attributes: { sk } })));
  return pk;
}

const numbered = Array.from({ length: 30 }, (_, at) => String(at).padStart(3, "0"));

export function queryContract(store: StoreOf): void {
  describe("queries", () => {
    it("an empty partition gives an empty page without a cursor", async () => {
      expect(await store().query({ pk: freshPartition(), limit: 10 })).toStrictEqual({ items: [] });
    });

    it("items come by their sort keys' UTF-8 octets, not by UTF-16 units", async () => {
      const pk = await filled(store(), byOctets);
      expect(await sortKeys(store(), { pk })).toEqual(byOctets);
      expect(await sortKeys(store(), { pk, descending: true })).toEqual(byOctets.toReversed());
    });

    it("items come whole", async () => {
      const item = {
        pk: freshPartition(),
        sk: "a",
        attributes: { state: "open", octets: new Uint8Array([1]) },
      };
      await store().transact([putNew(item)]);
      const [found] = (await store().query({ pk: item.pk, limit: 1 })).items;
      expect(found).toMatchObject({ pk: item.pk, sk: "a", version: 1, attributes: { state: "open" } });
    });

    it("a query sees its own partition only", async () => {
      const pk = await filled(store(), ["a", "b"]);
      await store().transact([putNew({ pk: `${pk}0`, sk: "c", attributes: {} })]);
      expect(await sortKeys(store(), { pk })).toEqual(["a", "b"]);
    });

    it.each([
      {
        name: "from and to are inclusive",
        bounds: { from: "010", to: "012" },
        expected: ["010", "011", "012"],
      },
      { name: "from alone", bounds: { from: "027" }, expected: ["027", "028", "029"] },
      { name: "to alone", bounds: { to: "001" }, expected: ["000", "001"] },
      { name: "bounds that no item has", bounds: { from: "0275", to: "0285" }, expected: ["028"] },
      { name: "from equal to to", bounds: { from: "015", to: "015" }, expected: ["015"] },
      { name: "from after to", bounds: { from: "016", to: "015" }, expected: [] },
      { name: "nothing in range", bounds: { from: "5" }, expected: [] },
      {
        name: "a prefix as a range",
        bounds: { from: "01", to: "01\u{10FFFF}" },
        expected: numbered.slice(10, 20),
      },
    ])("$name", async ({ bounds, expected }) => {
      const pk = await filled(store(), numbered);
      expect(await sortKeys(store(), { pk, ...bounds })).toEqual(expected);
      expect(await sortKeys(store(), { pk, ...bounds, descending: true })).toEqual(expected.toReversed());
    });

    it("bounds are compared by octets", async () => {
      const pk = await filled(store(), byOctets);
      const high = ["\uFFFD", "\u{10000}", "\u{10000}a"];
      expect(await sortKeys(store(), { pk, from: "\uFFFD", to: "\u{10000}a" })).toEqual(high);
    });

    it.each([1, 7, 29, 30, 31])("pages of %i give every item once, in order, both ways", async (limit) => {
      const pk = await filled(store(), numbered);
      for (const descending of [false, true]) {
        const { items, pages } = await readAll(store(), { pk, limit, descending });
        expect(items.map((item) => item.sk)).toEqual(descending ? numbered.toReversed() : numbered);
        expect(pages).toBeGreaterThanOrEqual(Math.ceil(numbered.length / limit));
      }
    });

    it("no page holds more than its limit", async () => {
      const pk = await filled(store(), numbered);
      expect((await store().query({ pk, limit: 4 })).items).toHaveLength(4);
    });

    it("pages keep to the bounds", async () => {
      const pk = await filled(store(), numbered);
      const query = { pk, from: "005", to: "024", limit: 6 };
      expect((await readAll(store(), query)).items.map((item) => item.sk)).toEqual(numbered.slice(5, 25));
      const backwards = await readAll(store(), { ...query, descending: true });
      expect(backwards.items.map((item) => item.sk)).toEqual(numbered.slice(5, 25).toReversed());
    });

    it("large items: pages may end early, and still give every item once", async () => {
      const pk = freshPartition();
      const keys = numbered.slice(0, 8);
      for (const sk of keys) {
        await store().transact([putNew({ pk, sk, attributes: { bulk: "x".repeat(300_000) } })]);
      }
      const { items } = await readAll(store(), { pk, limit: 1000 });
      expect(items.map((item) => item.sk)).toEqual(keys);
      expect(items.every((item) => String(item.attributes["bulk"]).length === 300_000)).toBe(true);
    });
  });
}
