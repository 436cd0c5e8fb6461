/**
 * The contract of the ItemStore port. Nothing here knows an adapter: run it over each.
 * Every test keeps to partitions of its own, so one table may serve the whole suite.
 */
import { afterAll, beforeAll, describe } from "vitest";
import type { ItemStore } from "../../core/ports.ts";
import { concurrencyContract } from "./item-store/concurrency.ts";
import { conditionContract } from "./item-store/conditions.ts";
import { cursorContract } from "./item-store/cursors.ts";
import { indexContract } from "./item-store/indexes.ts";
import { limitContract } from "./item-store/limits.ts";
import { queryContract } from "./item-store/queries.ts";
import { valueContract } from "./item-store/values.ts";

export interface StoreUnderTest {
  readonly store: ItemStore;
  readonly close: () => Promise<void>;
}

export function itemStoreContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`ItemStore contract: ${name}`, () => {
    let underTest: StoreUnderTest | undefined;
    beforeAll(async () => {
      underTest = await makeStore();
    });
    afterAll(async () => {
      await underTest?.close();
    });
    const store = (): ItemStore => {
      if (underTest === undefined) throw new Error("the store is open only while its tests run");
      return underTest.store;
    };
    valueContract(store);
    conditionContract(store);
    queryContract(store);
    indexContract(store);
    cursorContract(store);
    limitContract(store);
    concurrencyContract(store);
  });
}
