/** Room: test/support. An ItemStore around a real one whose transactions fail on demand; it knows what it kept. */
import { AppError } from "../../core/errors.ts";
import type { ItemStore, NewItem } from "../../core/ports.ts";

/** `unavailable`: nothing is written. `committedThenUnavailable`: all is, and the answer is lost on the way. */
export type StoreFault = "none" | "unavailable" | "committedThenUnavailable";

export interface FaultyStore extends ItemStore {
  /** Every item that a committed transaction put, in order, those with a lost answer too. */
  readonly kept: readonly NewItem[];
}

/** @param next Asked before each transaction. */
export function faultyStore(items: ItemStore, next: () => StoreFault): FaultyStore {
  const kept: NewItem[] = [];
  return {
    kept,
    get: (key) => items.get(key),
    query: (query) => items.query(query),
    async transact(operations) {
      const fault = next();
      if (fault === "unavailable") throw unavailable();
      await items.transact(operations);
      kept.push(...operations.flatMap((operation) => ("put" in operation ? [operation.put] : [])));
      if (fault === "committedThenUnavailable") throw unavailable();
    },
  };
}

const unavailable = () => new AppError("store_unavailable", "timed out", { retryAfter: 1 });
