/** Room: scripts. When devices are switched on: by the hour, the week, the season, and by chance. */
import { day, hour } from "./house.ts";
import type { Chance } from "./random.ts";

export interface Habit {
  readonly name: string;
  /** Of the fleet. */
  readonly share: number;
  /** Off at night. */
  readonly nights: boolean;
  readonly weekends: boolean;
  /** Milliseconds for which it is in use, and away after that; shortest and longest. */
  readonly inUse: readonly [number, number];
  readonly away: readonly [number, number];
}

const outages = { inUse: [20 * day, 100 * day], away: [1 * hour, 48 * hour] } as const;
const week = 7 * day;
const month = 30 * day;

export const habits: readonly Habit[] = [
  { name: "always on", share: 0.6, nights: false, weekends: false, ...outages },
  { name: "off at night", share: 0.15, nights: true, weekends: false, ...outages },
  { name: "off at night and at weekends", share: 0.12, nights: true, weekends: true, ...outages },
  {
    name: "in store for weeks",
    share: 0.1,
    nights: false,
    weekends: false,
    inUse: [3 * week, 10 * week],
    away: [1 * week, 5 * week],
  },
  {
    name: "away for months",
    share: 0.03,
    nights: false,
    weekends: false,
    inUse: [2 * month, 6 * month],
    away: [3 * month, 9 * month],
  },
];

export function drawHabit(chance: Chance): number {
  let place = chance.next();
  const found = habits.findIndex(({ share }) => {
    place -= share;
    return place < 0;
  });
  return Math.max(0, found);
}

export const drawLength = (chance: Chance, [shortest, longest]: readonly [number, number]): number =>
  chance.between(shortest, longest);

/** Whether a device that is in use is switched on in this hour. `from` and `to`: its own working hours. */
export function isOnDuty(
  habit: Habit,
  hourOfDay: number,
  weekday: number,
  from: number,
  to: number,
): boolean {
  if (habit.weekends && (weekday === 0 || weekday === 6)) return false;
  return !habit.nights || (hourOfDay >= from && hourOfDay < to);
}

/** UTC; 0 is a Sunday. */
export const weekdayOf = (time: number): number => (Math.floor(time / day) + 4) % 7;
export const hourOfDay = (time: number): number => Math.floor((time % day) / hour);
