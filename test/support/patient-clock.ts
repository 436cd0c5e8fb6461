/**
 * Room: test/support. A clock for several callers that wait for one another: time stands still while any of them
 * works, and moves on to the next wake-up when all of them sleep. A lease runs out for the dead, never for the slow.
 */
import type { Clock } from "../../core/ports.ts";

export interface PatientClock extends Clock {
  /** Runs one caller. Only callers that run here may sleep. */
  run<Result>(caller: () => Promise<Result>): Promise<Result>;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** @param start Milliseconds since the epoch. */
export function patientClock(start: number): PatientClock {
  let time = start;
  let callers = 0;
  let sleepers: readonly Sleeper[] = [];
  const moveOn = (): void => {
    if (sleepers.length === 0 || sleepers.length < callers) return;
    time = Math.max(time, Math.min(...sleepers.map(({ until }) => until)));
    const due = sleepers.filter(({ until }) => until <= time);
    sleepers = sleepers.filter(({ until }) => until > time);
    for (const { wake } of due) wake();
  };
  return {
    now: () => time,
    sleep: (milliseconds) =>
      new Promise((resolve) => {
        sleepers = [...sleepers, { until: time + milliseconds, wake: resolve }];
        moveOn();
      }),
    async run(caller) {
      callers += 1;
      try {
        return await caller();
      } finally {
        callers -= 1;
        moveOn();
      }
    },
  };
}
