/** Room: scripts/rehearsal. What was started is ended, all of it, whatever happened. */
import type { Report } from "./report.ts";

export interface Ending {
  /** What is ended: `the emulator`. */
  readonly name: string;
  end(): Promise<void>;
}

/** Runs every ending, the last one first. One that throws is a failed check, and those before it are run all the same. */
export async function endAll(endings: readonly Ending[], report: Report): Promise<void> {
  for (const { name, end } of endings.toReversed()) {
    try {
      await end();
    } catch (error) {
      await report.check(`${name} ends`, async () => {
        throw error;
      });
    }
  }
}
