import { describe, expect, it } from "vitest";
import { indexNames } from "../../../core/item-limits.ts";
import type { IndexName, ItemStore, NewItem } from "../../../core/ports.ts";
import { eventually, freshPartition, putNew, readAll, type StoreOf } from "./material.ts";

async function found(store: ItemStore, index: IndexName, pk: string): Promise<string[]> {
  return (await readAll(store, { index, pk, limit: 100 })).items.map((item) => item.sk);
}

function indexed(sk: string, indexes: NewItem["indexes"]): NewItem {
  return { pk: freshPartition(), sk, attributes: { sk }, ...(indexes === undefined ? {} : { indexes }) };
}

export function indexContract(store: StoreOf): void {
  describe("indexes", () => {
    it.each(indexNames)(
      "%s finds an item under the key it was put with, and gives it whole",
      async (index) => {
        const pk = freshPartition();
        const item = indexed("a", { [index]: { pk, sk: "1" } });
        await store().transact([putNew(item)]);
        await eventually(async () => {
          expect((await store().query({ index, pk, limit: 10 })).items).toEqual([{ ...item, version: 1 }]);
        });
      },
    );

    it("an item is in the indexes it names and in no other", async () => {
      const pk = freshPartition();
      await store().transact([putNew(indexed("a", { byDevice: { pk, sk: "1" }, open: { pk, sk: "1" } }))]);
      await eventually(async () => {
        expect(await found(store(), "byDevice", pk)).toEqual(["a"]);
        expect(await found(store(), "open", pk)).toEqual(["a"]);
      });
      expect(await found(store(), "byIssue", pk)).toEqual([]);
    });

    it("a put that names another key moves the item; one that names none takes it out", async () => {
      const [before, after] = [freshPartition(), freshPartition()];
      const item = indexed("a", { open: { pk: before, sk: "1" } });
      await store().transact([putNew(item)]);
      await store().transact([{ put: { ...item, indexes: { open: { pk: after, sk: "1" } } }, when: 1 }]);
      await eventually(async () => {
        expect(await found(store(), "open", before)).toEqual([]);
        expect(await found(store(), "open", after)).toEqual(["a"]);
      });
      const { pk, sk, attributes } = item;
      await store().transact([{ put: { pk, sk, attributes }, when: 2 }]);
      await eventually(async () => expect(await found(store(), "open", after)).toEqual([]));
      expect((await store().get(item))?.version).toBe(3);
    });

    it("a delete takes the item out of its indexes", async () => {
      const pk = freshPartition();
      const item = indexed("a", { byDevice: { pk, sk: "1" } });
      await store().transact([putNew(item)]);
      await eventually(async () => expect(await found(store(), "byDevice", pk)).toEqual(["a"]));
      await store().transact([{ delete: { pk: item.pk, sk: item.sk }, when: 1 }]);
      await eventually(async () => expect(await found(store(), "byDevice", pk)).toEqual([]));
    });

    it("a transaction that fails changes no index", async () => {
      const pk = freshPartition();
      const attempt = store().transact([
        putNew(indexed("a", { open: { pk, sk: "1" } })),
        { check: { pk, sk: "never" }, when: "present" },
      ]);
      await expect(attempt).rejects.toMatchObject({ code: "store_condition_failed" });
      expect(await found(store(), "open", pk)).toEqual([]);
    });

    it("items of many partitions come by the index's sort key, by octets, both ways and within bounds", async () => {
      const pk = freshPartition();
      const order = ["a", "b", "\uFFFD", "\u{10000}", "\u{10FFFF}"];
      await store().transact(order.toReversed().map((sk) => putNew(indexed(sk, { byIssue: { pk, sk } }))));
      await eventually(async () => expect(await found(store(), "byIssue", pk)).toEqual(order));
      const query = { index: "byIssue", pk, limit: 2 } as const;
      const backwards = await readAll(store(), { ...query, descending: true });
      expect(backwards.items.map((item) => item.sk)).toEqual(order.toReversed());
      const middle = await readAll(store(), { ...query, from: "b", to: "\u{10000}" });
      expect(middle.items.map((item) => item.sk)).toEqual(order.slice(1, 4));
    });

    it("sort keys that are prefixes of one another or hold controls keep the order of their octets, page by page", async () => {
      const pk = freshPartition();
      const order = [
        "a",
        "a\u0000",
        "a\u0000\u0000",
        "a\u0000\u0001",
        "a\u0001",
        "a\u0001\u0001",
        "a\u0002",
        "a\u0003",
        "a!",
        "aa",
      ];
      // The own keys run against the sort keys: none of them may count before the sort keys are equal.
      const own = freshPartition();
      const puts = order.map((sk, at) =>
        putNew({ pk: `${own}${9 - at}`, sk, attributes: {}, indexes: { byIssue: { pk, sk } } }),
      );
      await store().transact(puts);
      await eventually(async () => expect(await found(store(), "byIssue", pk)).toEqual(order));
      for (const descending of [false, true]) {
        const read = await readAll(store(), { index: "byIssue", pk, limit: 3, descending });
        const keys = read.items.map(({ indexes }) => indexes?.byIssue?.sk);
        expect(keys).toEqual(descending ? order.toReversed() : order);
      }
      for (const [at, bound] of order.entries()) {
        const query = { index: "byIssue", pk, limit: 100 } as const;
        const from = await readAll(store(), { ...query, from: bound });
        expect(from.items.map(({ sk }) => sk)).toEqual(order.slice(at));
        const to = await readAll(store(), { ...query, to: bound });
        expect(to.items.map(({ sk }) => sk)).toEqual(order.slice(0, at + 1));
      }
    });

    it.each([false, true])(
      "one index key for many items: by their own keys; descending %s",
      async (descending) => {
        const pk = freshPartition();
        const own = freshPartition();
        const items = ["0", "1", "2"].flatMap((partition) =>
          ["a", "b", "\uFFFD", "\u{10000}"].map((sk) => ({
            pk: `${own}#${partition}`,
            sk,
            attributes: {},
            indexes: { open: { pk, sk: "same" } },
          })),
        );
        await store().transact(items.toReversed().map(putNew));
        const expected = items.map((item) => `${item.pk} ${item.sk}`);
        for (const limit of [1, 5, 100]) {
          await eventually(async () => {
            const read = await readAll(store(), { index: "open", pk, limit, descending });
            const keys = read.items.map((item) => `${item.pk} ${item.sk}`);
            expect(keys).toEqual(descending ? expected.toReversed() : expected);
          });
        }
      },
    );
  });
}
