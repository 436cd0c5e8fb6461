import { describe, expect, it } from "vitest";
import { itemLimits } from "../../../core/item-limits.ts";
import type { AttributeValue, NewItem, WriteOperation } from "../../../core/ports.ts";
import { eventually, freshPartition, octetsOf, putNew, type StoreOf } from "./material.ts";

function keyed(pk: string, sk: string): NewItem {
  return { pk, sk, attributes: {} };
}

/** A key of exactly `octets`, and of no other test. */
function keyOf(octets: number): string {
  return freshPartition().padEnd(octets, "x");
}

const refused = { name: "AppError", code: "store_limit_exceeded" };

export function limitContract(store: StoreOf): void {
  describe("limits", () => {
    it("keys of 1 and of 1,024 octets are stored and found", async () => {
      const item = keyed(keyOf(1_024), "y".repeat(1_024));
      await store().transact([putNew(item), putNew({ ...item, sk: "y" })]);
      expect(await store().get(item)).toEqual({ ...item, version: 1 });
      expect((await store().query({ pk: item.pk, limit: 10 })).items.map(({ sk }) => sk.length)).toEqual([
        1, 1_024,
      ]);
    });

    it("keys are counted in UTF-8 octets", async () => {
      await store().transact([putNew(keyed(freshPartition(), "\u{1F511}".repeat(256)))]);
      const attempt = store().transact([putNew(keyed(freshPartition(), "\u{1F511}".repeat(257)))]);
      await expect(attempt).rejects.toMatchObject(refused);
    });

    const pk = freshPartition();
    it.each([
      { name: "an empty partition key", item: keyed("", "a") },
      { name: "an empty sort key", item: keyed(pk, "") },
      { name: "a partition key of 1,025 octets", item: keyed(keyOf(1_025), "a") },
      { name: "a sort key of 1,025 octets", item: keyed(pk, keyOf(1_025)) },
      { name: "a lone surrogate in a key", item: keyed(pk, "\uD800") },
      { name: "an empty index key", item: { ...keyed(pk, "a"), indexes: { open: { pk: "", sk: "a" } } } },
      {
        name: "an index key of 1,025 octets",
        item: { ...keyed(pk, "a"), indexes: { open: { pk, sk: keyOf(1_025) } } },
      },
      { name: "an empty attribute name", item: { ...keyed(pk, "a"), attributes: { "": 1 } } },
      { name: "a fractional expiresAt", item: { ...keyed(pk, "a"), expiresAt: 1.5 } },
    ])("$name is refused", async ({ item }) => {
      await expect(store().transact([putNew(item)])).rejects.toMatchObject(refused);
    });

    const values: readonly { name: string; value: AttributeValue }[] = [
      { name: "NaN", value: Number.NaN },
      { name: "Infinity", value: Number.POSITIVE_INFINITY },
      { name: "-Infinity", value: Number.NEGATIVE_INFINITY },
      { name: "a number beyond 1e125", value: 1e126 },
      { name: "a number below 1e-130", value: 1e-131 },
      { name: "a lone surrogate", value: "\uDFFF" },
      { name: "a lone surrogate in a list", value: ["a", "\uD800"] },
    ];
    it.each(values)("the value $name is refused", async ({ value }) => {
      const attempt = store().transact([putNew({ pk, sk: "value", attributes: { value } })]);
      await expect(attempt).rejects.toMatchObject(refused);
    });

    it("an item just below 400,000 octets is stored; one above is refused with both figures", async () => {
      const item = keyed(freshPartition(), "a");
      const room = itemLimits.itemBytes - Buffer.byteLength(item.pk) - 1 - "bulk".length;
      const bulk = new Uint8Array(room).fill(1);
      await store().transact([putNew({ ...item, attributes: { bulk } })]);
      expect(octetsOf(await store().get(item), "bulk").length).toBe(room);
      const larger = { ...item, sk: "b", attributes: { bulk: new Uint8Array(room + 1) } };
      await expect(store().transact([putNew(larger)])).rejects.toThrow(/400001 octets, limit 400000/);
      await expect(store().transact([putNew(larger)])).rejects.toMatchObject(refused);
    });

    it("100 operations are taken; 0 and 101 are refused", async () => {
      const partition = freshPartition();
      const operations = (count: number): WriteOperation[] =>
        Array.from({ length: count }, (_, at) => putNew(keyed(partition, `k${at}`)));
      await store().transact(operations(100));
      expect((await store().query({ pk: partition, limit: 1_000 })).items).toHaveLength(100);
      await expect(store().transact([])).rejects.toMatchObject(refused);
      await expect(store().transact(operations(101))).rejects.toMatchObject(refused);
    });

    it("more than 4,000,000 octets in one transaction are refused", async () => {
      const partition = freshPartition();
      const operations = Array.from({ length: 11 }, (_, at) =>
        putNew({ pk: partition, sk: `k${at}`, attributes: { bulk: "x".repeat(370_000) } }),
      );
      await expect(store().transact(operations)).rejects.toMatchObject(refused);
      expect(await store().get({ pk: partition, sk: "k0" })).toBeUndefined();
    });

    it("an index's sort key and the item's own keys: 1,022 octets together are found, 1,023 are refused", async () => {
      const index = freshPartition();
      const own = keyed(keyOf(400), "y".repeat(400));
      const item = (sk: string): NewItem => ({ ...own, indexes: { open: { pk: index, sk } } });
      await store().transact([putNew(item("z".repeat(222)))]);
      await eventually(async () => {
        const page = await store().query({ index: "open", pk: index, from: "z".repeat(222), limit: 1 });
        expect(page.items).toHaveLength(1);
      });
      for (const longer of ["z".repeat(223), `${"z".repeat(221)}\u0000`]) {
        const attempt = store().transact([{ put: item(longer), when: 1 }]);
        await expect(attempt).rejects.toMatchObject(refused);
      }
    });

    it("bounds of an index query have at most 1,022 octets", async () => {
      const query = { index: "open", pk: freshPartition(), limit: 1 } as const;
      const longest = "z".repeat(1_022);
      expect(await store().query({ ...query, from: longest, to: longest })).toStrictEqual({ items: [] });
      for (const longer of [`${longest}z`, `${"z".repeat(1_021)}\u0002`]) {
        await expect(store().query({ ...query, from: longer })).rejects.toMatchObject(refused);
        await expect(store().query({ ...query, to: longer })).rejects.toMatchObject(refused);
      }
    });

    it.each([
      { name: "put and put", second: (key: NewItem): WriteOperation => putNew(key) },
      {
        name: "put and delete",
        second: (key: NewItem): WriteOperation => ({ delete: key, when: "present" }),
      },
      { name: "put and check", second: (key: NewItem): WriteOperation => ({ check: key, when: "absent" }) },
    ])("a key twice in one transaction is refused: $name", async ({ second }) => {
      const item = keyed(freshPartition(), "a");
      const attempt = store().transact([putNew(item), putNew({ ...item, sk: "b" }), second(item)]);
      await expect(attempt).rejects.toMatchObject(refused);
      expect(await store().get(item)).toBeUndefined();
    });

    it("keys that only look alike when joined are two keys", async () => {
      const base = freshPartition();
      await store().transact([putNew(keyed(`${base}a`, "bc")), putNew(keyed(`${base}ab`, "c"))]);
      expect(await store().get({ pk: `${base}ab`, sk: "c" })).toBeDefined();
    });

    it.each([0, -1, 1_001, 1.5, Number.NaN])("a query limit of %s is refused", async (limit) => {
      await expect(store().query({ pk, limit })).rejects.toMatchObject(refused);
    });

    it.each([0, -1, 1.5, Number.NaN])("a condition on version %s is refused", async (when) => {
      const attempt = store().transact([{ put: keyed(pk, "a"), when }]);
      await expect(attempt).rejects.toMatchObject(refused);
    });

    it("get and query refuse keys that no item can have", async () => {
      await expect(store().get({ pk: "", sk: "a" })).rejects.toMatchObject(refused);
      await expect(store().get({ pk, sk: keyOf(1_025) })).rejects.toMatchObject(refused);
      await expect(store().query({ pk: keyOf(1_025), limit: 1 })).rejects.toMatchObject(refused);
      await expect(store().query({ pk, from: "", limit: 1 })).rejects.toMatchObject(refused);
    });

    it("a message names the operation by its index and never the key or the value", async () => {
      const partition = freshPartition();
      const secret = keyed(partition, `secret${"x".repeat(1_100)}`);
      const attempt = store().transact([putNew(keyed(partition, "a")), putNew(secret)]);
      const error: unknown = await attempt.catch((reason: unknown) => reason);
      expect(String(error)).toContain("operation 1");
      expect(String(error)).not.toContain("secret");
      expect(String(error)).not.toContain(partition);
    });
  });
}
