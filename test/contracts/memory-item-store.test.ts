/** The ItemStore contract over the tests' own store: what holds there must hold on a real one. */
import { memoryItemStore } from "../support/memory-item-store.ts";
import { itemStoreContract } from "./item-store.ts";

itemStoreContract("in memory", async () => {
  const store = memoryItemStore();
  return { store, close: () => Promise.resolve() };
});
