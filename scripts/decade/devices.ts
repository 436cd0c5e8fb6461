/**
 * Room: scripts. The fleet's devices as numbers: what each holds, and when it looks again. What a device does when it looks
 * is what the agent does: renew when its window has begun, follow the newest trust.
 */
import { windowFor } from "../../core/enrollment/renewal-info.ts";
import type { CertificateRecord } from "../../core/records/certificate-record.ts";
import type { RenewalWindow } from "../../core/records/renewal-window-record.ts";
import { drawHabit, drawLength, type Habit, habits, hourOfDay, isOnDuty, weekdayOf } from "./habits.ts";
import { hour } from "./house.ts";
import type { Chance } from "./random.ts";

/** none: not there yet, or no more; waiting: people must enrol it anew. */
export const states = ["none", "inService", "quarantined", "waiting"] as const;
export type DeviceState = (typeof states)[number];

export interface Device {
  readonly id: string;
  readonly habit: Habit;
  /** Its working hours, UTC. */
  readonly from: number;
  readonly to: number;
  state: DeviceState;
  isInUse: boolean;
  isOn: boolean;
  /** When it is taken away, or brought back. */
  turnsAt: number;
  nextLook: number;
  /** The certificate that it holds, as its record; and which source it came from. */
  record: CertificateRecord;
  source: number;
  notAfter: number;
  /** When it is to be renewed, as of the windows that there are now. */
  dueAt: number;
  trustVersion: number;
  /** The version that the service has heard of. */
  acknowledged: number;
  /** In quarantine: when it is let out; waiting: when it is enrolled anew. */
  peopleAt: number;
}

/** Six hours, a tenth more or less. */
export const lookInterval = (chance: Chance): number => 6 * hour * chance.between(0.9, 1.1);

export function newDevice(
  id: string,
  chance: Chance,
  now: number,
  first: Pick<Device, "record" | "source" | "trustVersion">,
): Device {
  const habit = habits[drawHabit(chance)] ?? (habits[0] as Habit);
  const from = chance.whole(5, 8);
  return {
    ...first,
    ...{ id, habit, from, to: from + chance.whole(10, 13) },
    ...{ state: "inService", isInUse: true, isOn: true },
    // It was bought to be used.
    turnsAt: now + drawLength(chance, habit.inUse) * chance.between(0.3, 1),
    nextLook: now + lookInterval(chance) * chance.next(),
    notAfter: first.record.notAfter,
    dueAt: windowFor(first.record, [], now).start,
    acknowledged: 0,
    peopleAt: Number.POSITIVE_INFINITY,
  };
}

/** Switches it on or off for the hour that begins at `now`. Whoever comes back looks at once: within the hour. */
export function switchDevice(device: Device, now: number, chance: Chance): void {
  while (device.turnsAt <= now) {
    device.isInUse = !device.isInUse;
    device.turnsAt += drawLength(chance, device.isInUse ? device.habit.inUse : device.habit.away);
  }
  const isOn =
    device.isInUse && isOnDuty(device.habit, hourOfDay(now), weekdayOf(now), device.from, device.to);
  if (isOn && !device.isOn) device.nextLook = now + chance.next() * hour;
  device.isOn = isOn;
}

/** Its next look: in six hours, or when its certificate is due. */
export function lookAgain(device: Device, now: number, chance: Chance): void {
  const next = now + lookInterval(chance);
  const isKnown = device.state === "inService" && device.dueAt > now;
  device.nextLook = isKnown ? Math.min(next, device.dueAt) : next;
}

/** People have pulled renewals forward, or taken that back: what the device will hear when it asks. */
export function dueAnew(device: Device, windows: readonly RenewalWindow[], now: number): void {
  device.dueAt = windowFor(device.record, windows, now).start;
}
