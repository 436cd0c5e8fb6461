/** Room: test/support. An ItemStore around a real one that counts its calls, as a bill would. */
import type { ItemStore } from "../../core/ports.ts";

export interface StoreCalls {
  /** `get` and `query` together: each is one round trip. */
  readonly reads: number;
  readonly transactions: number;
}

export interface CountingStore extends ItemStore {
  /** Since it was made. */
  readonly calls: StoreCalls;
}

export function countingStore(items: ItemStore): CountingStore {
  let reads = 0;
  let transactions = 0;
  return {
    get calls() {
      return { reads, transactions };
    },
    get(key) {
      reads += 1;
      return items.get(key);
    },
    query(query) {
      reads += 1;
      return items.query(query);
    },
    transact(operations) {
      transactions += 1;
      return items.transact(operations);
    },
  };
}
