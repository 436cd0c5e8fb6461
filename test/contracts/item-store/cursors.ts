import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ItemQuery, ItemStore } from "../../../core/ports.ts";
import { eventually, freshPartition, putNew, type StoreOf } from "./material.ts";

async function filled(store: ItemStore): Promise<string> {
  const pk = freshPartition();
  const items = Array.from({ length: 10 }, (_, at) => ({
    pk,
    sk: `k${at}`,
    attributes: {},
    indexes: { open: { pk, sk: `k${at}` }, byIssue: { pk, sk: `k${at}` } },
  }));
  await store.transact(items.map(putNew));
  return pk;
}

async function cursorOf(store: ItemStore, query: ItemQuery): Promise<string> {
  let cursor = "";
  await eventually(async () => {
    cursor = (await store.query(query)).cursor ?? "";
    expect(cursor).not.toBe("");
  });
  return cursor;
}

const garbage: readonly { name: string; cursor: string }[] = [
  { name: "the empty string", cursor: "" },
  { name: "not base64url", cursor: "!!! %%%" },
  { name: "random octets", cursor: randomBytes(60).toString("base64url") },
  { name: "JSON of another shape", cursor: Buffer.from('{"a":1}').toString("base64url") },
  { name: "an empty list", cursor: Buffer.from("[]").toString("base64url") },
  { name: "deep nesting", cursor: Buffer.from("[".repeat(5_000)).toString("base64url") },
  { name: "a megabyte", cursor: "A".repeat(1_000_000) },
];

export function cursorContract(store: StoreOf): void {
  describe("cursors", () => {
    it.each(garbage)("$name is refused with cursor_invalid", async ({ cursor }) => {
      const pk = await filled(store());
      const attempt = store().query({ pk, limit: 3, cursor });
      await expect(attempt).rejects.toMatchObject({ name: "AppError", code: "cursor_invalid" });
    });

    const others: readonly { name: string; change: (query: ItemQuery, pk: string) => ItemQuery }[] = [
      { name: "another partition", change: (query, pk) => ({ ...query, pk }) },
      { name: "an index", change: (query) => ({ ...query, index: "open" }) },
      { name: "the other direction", change: (query) => ({ ...query, descending: true }) },
      { name: "another lower bound", change: (query) => ({ ...query, from: "k1" }) },
      { name: "another upper bound", change: (query) => ({ ...query, to: "k8" }) },
    ];
    it.each(others)("the cursor of a query is refused by one over $name", async ({ change }) => {
      const query: ItemQuery = { pk: await filled(store()), limit: 3 };
      const cursor = await cursorOf(store(), query);
      const attempt = store().query({ ...change(query, await filled(store())), cursor });
      await expect(attempt).rejects.toMatchObject({ code: "cursor_invalid" });
    });

    it("the cursor of one index is refused by another", async () => {
      const query: ItemQuery = { index: "open", pk: await filled(store()), limit: 3 };
      const cursor = await cursorOf(store(), query);
      const attempt = store().query({ ...query, index: "byIssue", cursor });
      await expect(attempt).rejects.toMatchObject({ code: "cursor_invalid" });
    });

    it("the limit may change from page to page, and a cursor may be used again", async () => {
      const pk = await filled(store());
      const cursor = await cursorOf(store(), { pk, limit: 3 });
      for (const limit of [1, 2, 7]) {
        const page = await store().query({ pk, limit, cursor });
        expect(page.items[0]?.sk).toBe("k3");
        expect(page.items).toHaveLength(limit);
      }
    });

    it("a cursor survives the deletion of the item it points at", async () => {
      const pk = await filled(store());
      const cursor = await cursorOf(store(), { pk, limit: 3 });
      await store().transact([{ delete: { pk, sk: "k2" }, when: "present" }]);
      const page = await store().query({ pk, limit: 100, cursor });
      expect(page.items.map((item) => item.sk)).toEqual(["k3", "k4", "k5", "k6", "k7", "k8", "k9"]);
    });

    it("a cursor goes into a URL as it is", async () => {
      const pk = await filled(store());
      expect(await cursorOf(store(), { pk, limit: 3 })).toMatch(/^[A-Za-z0-9_-]+$/);
    });
  });
}
