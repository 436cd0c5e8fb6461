/**
 * Room: lambdas/distribution. Whether the store takes writes. Reading proves nothing of that: on a full disk
 * SQLite answers every read, and a transaction of mere conditions commits too, as it writes no page.
 */
import { AppError, isAppError } from "../../core/errors.ts";
import type { KeylessApp } from "../../core/ports.ts";

/** The one item that is written: it says nothing, so that nothing can be learned from it. */
export const healthKey = { pk: "HEALTH", sk: "HEALTH" } as const;
const freshMilliseconds = 1_000;

/** One version after the other of one item costs one page; to put and delete it would cost two commits. */
async function writeHealthItem({ items }: KeylessApp): Promise<void> {
  try {
    const found = await items.get(healthKey);
    await items.transact([{ put: { ...healthKey, attributes: {} }, when: found?.version ?? "absent" }]);
  } catch (error) {
    // Another process has just written the same item, and so has proved what was to be proved.
    if (isAppError(error, "store_condition_failed")) return;
    if (isAppError(error, "store_unavailable")) throw error;
    throw new AppError("store_unavailable", "the store does not answer", { cause: error });
  }
}

/**
 * A check that anybody may call as often as they like: it writes at most once a second, and whoever asks in
 * between, or while it runs, shares the outcome.
 * @throws AppError store_unavailable; its message is the store's, for operators.
 */
export function writeProbe(app: KeylessApp): () => Promise<void> {
  let outcome: Promise<void> | undefined;
  let settledAt: number | undefined;
  // A clock that was set back makes no outcome fresh for hours.
  const isStale = (age: number): boolean => age < 0 || age >= freshMilliseconds;
  return () => {
    if (outcome === undefined || (settledAt !== undefined && isStale(app.clock.now() - settledAt))) {
      settledAt = undefined;
      outcome = writeHealthItem(app).finally(() => {
        settledAt = app.clock.now();
      });
    }
    return outcome;
  };
}
