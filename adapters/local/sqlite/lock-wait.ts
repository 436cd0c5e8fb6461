/**
 * Room: adapters/local. Waiting for another process's lock without blocking the event loop.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isBusy } from "./failures.ts";

const attempts = 500;
const pauseMs = 10;

/**
 * What `work` returns, tried again while the database is locked: SQLite's own wait and the pauses here make ten
 * seconds or so. `work` runs at once when nothing is locked.
 * @throws what `work` throws; the last "busy" when the lock stays.
 */
export async function whenUnlocked<Result>(work: () => Result): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || attempt >= attempts) throw error;
      await sleep(pauseMs);
    }
  }
}
