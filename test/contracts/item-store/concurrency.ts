import { describe, expect, it } from "vitest";
import { isAppError } from "../../../core/errors.ts";
import type { ItemKey, ItemStore } from "../../../core/ports.ts";
import { eventually, freshPartition, putNew, readAll, type StoreOf, together } from "./material.ts";

/** A store under contention may say store_unavailable: the port then asks for the same call again. */
async function outcome(attempt: () => Promise<void>): Promise<"done" | "refused"> {
  for (let left = 50; ; left -= 1) {
    try {
      await attempt();
      return "done";
    } catch (error) {
      if (isAppError(error, "store_condition_failed")) return "refused";
      if (!isAppError(error, "store_unavailable") || left === 0) throw error;
    }
  }
}

async function increment(store: ItemStore, key: ItemKey): Promise<void> {
  for (;;) {
    const item = await store.get(key);
    const count = Number(item?.attributes["count"]) + 1;
    const when = item?.version ?? "absent";
    const put = { pk: key.pk, sk: key.sk, attributes: { count } };
    if ((await outcome(() => store.transact([{ put, when }]))) === "done") return;
  }
}

const numbered = (at: number): string => String(at).padStart(5, "0");

export function concurrencyContract(store: StoreOf): void {
  describe("concurrency", () => {
    it("200 conditional increments from 20 writers at once lose none", { timeout: 120_000 }, async () => {
      const key = { pk: freshPartition(), sk: "counter" };
      await store().transact([putNew({ ...key, attributes: { count: 0 } })]);
      await together(20, async () => {
        for (let at = 0; at < 10; at += 1) await increment(store(), key);
      });
      expect(await store().get(key)).toMatchObject({ version: 201, attributes: { count: 200 } });
    });

    it("of 100 puts of one absent key at once, one wins and its item is the one stored", async () => {
      const key = { pk: freshPartition(), sk: "a" };
      const winners: number[] = [];
      await together(100, async (writer) => {
        const attempt = () => store().transact([putNew({ ...key, attributes: { writer } })]);
        if ((await outcome(attempt)) === "done") winners.push(writer);
      });
      expect(winners).toHaveLength(1);
      expect((await store().get(key))?.attributes["writer"]).toBe(winners[0]);
    });

    it("of transactions that share one key, one wins; the losers leave nothing of the rest", async () => {
      const pk = freshPartition();
      let winners = 0;
      await together(50, async (writer) => {
        const own = putNew({ pk, sk: `own${writer}`, attributes: {} });
        const shared = putNew({ pk, sk: "shared", attributes: {} });
        if ((await outcome(() => store().transact([own, shared]))) === "done") winners += 1;
      });
      expect(winners).toBe(1);
      expect((await readAll(store(), { pk, limit: 1_000 })).items).toHaveLength(2);
    });

    it("transactions on different keys at once are all done", async () => {
      const pk = freshPartition();
      await together(25, async (writer) => {
        for (let at = 0; at < 20; at += 1) {
          const put = putNew({ pk, sk: numbered(writer * 20 + at), attributes: { writer } });
          expect(await outcome(() => store().transact([put]))).toBe("done");
        }
      });
      const { items } = await readAll(store(), { pk, limit: 1_000 });
      expect(items.map((item) => item.sk)).toEqual(Array.from({ length: 500 }, (_, at) => numbered(at)));
    });

    it.each([undefined, "byIssue"] as const)(
      "paging through %s while others insert gives every older item exactly once, in order",
      { timeout: 120_000 },
      async (index) => {
        const pk = freshPartition();
        const item = (sk: string) => ({ pk, sk, attributes: {}, indexes: { byIssue: { pk, sk } } });
        const older = Array.from({ length: 100 }, (_, at) => numbered(at * 10));
        await store().transact(older.map((sk) => putNew(item(sk))));
        const query = { pk, limit: 9, ...(index === undefined ? {} : { index }) };
        await eventually(async () => expect((await readAll(store(), query)).items).toHaveLength(100));
        const insertions = together(5, async (writer) => {
          for (let at = 0; at < 30; at += 1) {
            await store().transact([putNew(item(numbered(at * 33 + writer).concat("x")))]);
          }
        });
        const { items } = await readAll(store(), query);
        await insertions;
        const keys = items.map(({ sk }) => sk);
        expect(keys).toEqual(keys.toSorted());
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.filter((sk) => !sk.endsWith("x"))).toEqual(older);
      },
    );
  });
}
