/** Room: adapters/system. The machine's clock and its timers. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../core/ports.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(milliseconds) {
    await sleep(milliseconds);
  },
};
