import { describe, expect, it } from "vitest";
import type { Condition, ItemKey, ItemStore, WriteOperation } from "../../../core/ports.ts";
import { freshPartition, putNew, type StoreOf } from "./material.ts";

type Kind = "put" | "delete" | "check";

function operation(kind: Kind, key: ItemKey, when: Condition): WriteOperation {
  if (kind === "check") return { check: key, when };
  if (kind === "put" && when !== "present") return { put: { ...key, attributes: { written: true } }, when };
  if (kind === "delete" && when !== "absent") return { delete: key, when };
  throw new Error(`the port has no ${kind} when ${when}`);
}

// `holds` says for which state of the item the condition is met: no item, version 1, version 2.
const cases: readonly { kind: Kind; when: Condition; holds: readonly [boolean, boolean, boolean] }[] = [
  { kind: "put", when: "absent", holds: [true, false, false] },
  { kind: "put", when: 1, holds: [false, true, false] },
  { kind: "put", when: 2, holds: [false, false, true] },
  { kind: "delete", when: "present", holds: [false, true, true] },
  { kind: "delete", when: 1, holds: [false, true, false] },
  { kind: "delete", when: 2, holds: [false, false, true] },
  { kind: "check", when: "absent", holds: [true, false, false] },
  { kind: "check", when: "present", holds: [false, true, true] },
  { kind: "check", when: 1, holds: [false, true, false] },
  { kind: "check", when: 2, holds: [false, false, true] },
];

/** An item with `version` puts behind it; none for 0. */
async function itemOfVersion(store: ItemStore, version: number): Promise<ItemKey> {
  const key = { pk: freshPartition(), sk: "a" };
  for (let at = 0; at < version; at += 1) {
    const item = { ...key, attributes: { at } };
    await store.transact([{ put: item, when: at === 0 ? "absent" : at }]);
  }
  return key;
}

export function conditionContract(store: StoreOf): void {
  describe("conditions", () => {
    describe.each(cases)("$kind when $when", ({ kind, when, holds }) => {
      it.each([0, 1, 2] as const)("on version %i (0: no item)", async (version) => {
        const key = await itemOfVersion(store(), version);
        const before = await store().get(key);
        const attempt = store().transact([operation(kind, key, when)]);
        if (holds[version]) {
          await attempt;
          const after = await store().get(key);
          if (kind === "check") expect(after).toEqual(before);
          if (kind === "delete") expect(after).toBeUndefined();
          if (kind === "put")
            expect(after).toEqual({ ...key, attributes: { written: true }, version: version + 1 });
        } else {
          await expect(attempt).rejects.toMatchObject({
            code: "store_condition_failed",
            failedOperations: [0],
          });
          expect(await store().get(key)).toEqual(before);
        }
      });
    });

    it("failedOperations names every operation whose condition failed, in order", async () => {
      const [absent, present] = [await itemOfVersion(store(), 0), await itemOfVersion(store(), 1)];
      const attempt = store().transact([
        { check: absent, when: "present" },
        { check: present, when: "present" },
        putNew({ pk: freshPartition(), sk: "a", attributes: {} }),
        { put: { ...present, sk: "b", attributes: {} }, when: 3 },
        { delete: { ...absent, sk: "b" }, when: "present" },
      ]);
      await expect(attempt).rejects.toMatchObject({
        name: "AppError",
        code: "store_condition_failed",
        failedOperations: [0, 3, 4],
      });
    });

    it.each([0, 49, 99])(
      "all or none: condition %i of 100 fails, and nothing is written",
      async (failing) => {
        const pk = freshPartition();
        const kept = { pk, sk: "kept", attributes: { state: "old" } };
        await store().transact([putNew(kept)]);
        const operations = Array.from({ length: 100 }, (_, at): WriteOperation => {
          if (at === failing) return { check: { pk, sk: "never" }, when: "present" };
          if (at === 50) return { put: { ...kept, attributes: { state: "new" } }, when: 1 };
          return putNew({ pk, sk: `new${at}`, attributes: {} });
        });
        await expect(store().transact(operations)).rejects.toMatchObject({ failedOperations: [failing] });
        expect((await store().query({ pk, limit: 1000 })).items).toEqual([{ ...kept, version: 1 }]);
      },
    );

    it("puts, deletes and checks of one transaction are all done", async () => {
      const [first, second, third] = await Promise.all(
        [1, 1, 2].map((version) => itemOfVersion(store(), version)),
      );
      const fresh = { pk: freshPartition(), sk: "a" };
      await store().transact([
        { put: { ...(first as ItemKey), attributes: { state: "new" } }, when: 1 },
        { delete: second as ItemKey, when: "present" },
        { check: third as ItemKey, when: 2 },
        putNew({ ...fresh, attributes: {} }),
      ]);
      expect((await store().get(first as ItemKey))?.version).toBe(2);
      expect(await store().get(second as ItemKey)).toBeUndefined();
      expect((await store().get(third as ItemKey))?.version).toBe(2);
      expect((await store().get(fresh))?.version).toBe(1);
    });

    it("a put replaces the whole item", async () => {
      const key = { pk: freshPartition(), sk: "a" };
      const index = { open: { pk: freshPartition(), sk: "a" } };
      await store().transact([
        putNew({ ...key, attributes: { a: 1, b: 2 }, indexes: index, expiresAt: 4e9 }),
      ]);
      await store().transact([{ put: { ...key, attributes: { b: 3 } }, when: 1 }]);
      expect(await store().get(key)).toStrictEqual({ ...key, attributes: { b: 3 }, version: 2 });
    });

    it("a put again after a delete starts at version 1", async () => {
      const key = await itemOfVersion(store(), 2);
      await store().transact([{ delete: key, when: 2 }]);
      await store().transact([putNew({ ...key, attributes: {} })]);
      expect((await store().get(key))?.version).toBe(1);
    });

    it("versions count every put: 1 to 25", async () => {
      const key = await itemOfVersion(store(), 25);
      expect((await store().get(key))?.version).toBe(25);
    });
  });
}
