import { describe, expect, it } from "vitest";
import type { AttributeValue } from "../../../core/ports.ts";
import { freshPartition, octetsOf, putNew, type StoreOf } from "./material.ts";

const values: readonly { name: string; value: AttributeValue }[] = [
  { name: "a string", value: "serial 00:ff" },
  { name: "the empty string", value: "" },
  { name: "a string of controls, quotes and NUL", value: "\u0000\u0001\n\"\\'\u2028" },
  { name: "a string beyond the basic plane", value: "\u{1F511}\u{10FFFF}\uFFFD" },
  { name: "a string that is not in NFC", value: "e\u0301" },
  { name: "a string that looks like JSON", value: '{"base64":"AAAA"}' },
  { name: "zero", value: 0 },
  { name: "a negative fraction", value: -0.1 },
  { name: "the largest safe integer", value: Number.MAX_SAFE_INTEGER },
  { name: "a number with 17 digits", value: 0.1 + 0.2 },
  { name: "true", value: true },
  { name: "false", value: false },
  { name: "octets", value: Uint8Array.from({ length: 256 }, (_, octet) => octet) },
  { name: "no octets", value: new Uint8Array(0) },
  { name: "a view into a larger buffer", value: new Uint8Array(64).fill(7).subarray(3, 9) },
  { name: "a list of strings", value: ["b", "a", "", "a"] },
  { name: "an empty list", value: [] },
];

export function valueContract(store: StoreOf): void {
  describe("values", () => {
    it("get of a key never put is undefined", async () => {
      expect(await store().get({ pk: freshPartition(), sk: "a" })).toBeUndefined();
    });

    it.each(values)("$name comes back as it was put", async ({ value }) => {
      const key = { pk: freshPartition(), sk: "a" };
      await store().transact([putNew({ ...key, attributes: { value } })]);
      const found = await store().get(key);
      if (value instanceof Uint8Array) expect(octetsOf(found, "value")).toEqual([...value]);
      else expect(found?.attributes["value"]).toStrictEqual(value);
    });

    it("an item comes back whole, with version 1, and with nothing added", async () => {
      const item = {
        pk: freshPartition(),
        sk: "a",
        attributes: { state: "open" },
        indexes: { byIssue: { pk: freshPartition(), sk: "1" }, open: { pk: freshPartition(), sk: "2" } },
        expiresAt: 4_102_444_800,
      };
      await store().transact([putNew(item)]);
      expect(await store().get({ pk: item.pk, sk: item.sk })).toStrictEqual({ ...item, version: 1 });
    });

    it("an item without attributes, indexes and expiry comes back without them", async () => {
      const item = { pk: freshPartition(), sk: "a", attributes: {} };
      await store().transact([putNew(item)]);
      expect(await store().get(item)).toStrictEqual({ ...item, version: 1 });
    });

    it("attribute names of Object.prototype and of query languages are names like any other", async () => {
      const names = [
        "__proto__",
        "constructor",
        "toString",
        "pk",
        "version",
        "size",
        "#a",
        ":b",
        "a.b",
        "$c",
        "é",
      ];
      const attributes = Object.fromEntries(names.map((name) => [name, name]));
      const key = { pk: freshPartition(), sk: "a" };
      await store().transact([putNew({ ...key, attributes })]);
      const found = await store().get(key);
      expect(Object.entries(found?.attributes ?? {}).sort()).toEqual(Object.entries(attributes).sort());
    });

    it("what the caller changes after handing an item over is not stored", async () => {
      const octets = new Uint8Array([1, 2, 3]);
      const key = { pk: freshPartition(), sk: "a" };
      const pending = store().transact([putNew({ ...key, attributes: { octets } })]);
      octets.fill(9);
      await pending;
      expect(octetsOf(await store().get(key), "octets")).toEqual([1, 2, 3]);
    });

    it("get, and a query over the items' own keys, read a write that has resolved", async () => {
      const pk = freshPartition();
      for (let at = 1; at <= 20; at += 1) {
        const sk = String(at).padStart(4, "0");
        await store().transact([putNew({ pk, sk, attributes: { at } })]);
        expect((await store().get({ pk, sk }))?.attributes["at"]).toBe(at);
        expect((await store().query({ pk, limit: 100 })).items).toHaveLength(at);
      }
    });

    it("an item whose expiresAt has passed is written and conditioned on like any other", async () => {
      const item = { pk: freshPartition(), sk: "a", attributes: {}, expiresAt: 4_102_444_800 };
      await store().transact([putNew(item)]);
      await store().transact([{ put: { ...item, expiresAt: 4_102_444_801 }, when: 1 }]);
      expect((await store().get(item))?.expiresAt).toBe(4_102_444_801);
    });
  });
}
