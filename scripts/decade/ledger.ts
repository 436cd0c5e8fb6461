/** Room: scripts. What happened, by year; and what must never happen, as counts that stay at zero. */
import type { RotatedKeyKind } from "../../core/standard/rotation.ts";

export interface Year {
  readonly year: number;
  devices: number;
  trustVersions: number;
  enrolled: number;
  retired: number;
  renewals: number;
  /** In the busiest hour, in per cent of the fleet: outside of an emergency, and within. */
  peak: number;
  /** Milliseconds since the epoch. */
  peakAt: number;
  emergencyPeak: number;
  /** Came back with an expired certificate, by the quarantine rule; and those that people had to enrol anew. */
  quarantined: number;
  enrolledAnew: number;
  validations: number;
  /** Refused because the certificate expired while its device was off. */
  expired: number;
  /** Refused because the authority was lost, and its devices were away when the others renewed. */
  lostAuthority: number;
  /** No path, in the hour in which a device came back whose manifest had run out: it looks for a newer one at once. */
  staleTrust: number;
  /** Refused for want of a path: the trust that was held did not do. */
  noPath: number;
  /** Manifests that could not be believed. */
  unbelieved: number;
  hours: number;
}

export const emptyYear = (year: number): Year => ({
  ...{
    year,
    devices: 0,
    trustVersions: 0,
    enrolled: 0,
    retired: 0,
    renewals: 0,
    peak: 0,
    peakAt: 0,
    emergencyPeak: 0,
  },
  ...{
    quarantined: 0,
    enrolledAnew: 0,
    validations: 0,
    expired: 0,
    lostAuthority: 0,
    staleTrust: 0,
    noPath: 0,
  },
  ...{ unbelieved: 0, hours: 0 },
});

export interface KeyLimit {
  /** Days. */
  longest: number;
  name: string;
  readonly limit: number;
}

export interface RolloverSeen {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly emergency: boolean;
  readonly createdBy: string;
  /** Days since the beginning, by the state that was entered. */
  readonly entered: Record<string, number>;
  /** Per cent of the active devices that trusted the successor when it became active. */
  adoption?: number;
}

export interface Outcome {
  readonly devices: number;
  readonly days: number;
  readonly seed: number;
  readonly years: readonly Year[];
  readonly keys: ReadonlyMap<RotatedKeyKind | "device" | "server", KeyLimit>;
  /** Keys that sign lists of revoked certificates alone. */
  readonly draining: ReadonlyMap<RotatedKeyKind, KeyLimit>;
  readonly rollovers: readonly RolloverSeen[];
  /** Of each day: renewals, and the share that holds the newest trust. */
  readonly daily: readonly { readonly renewals: number; readonly peak: number; readonly upToDate: number }[];
  readonly outlivesIssuer: number;
  readonly certificates: number;
  readonly sources: number;
  readonly trustSets: number;
  readonly walks: number;
  readonly pairs: number;
  readonly paths: number;
  readonly byOpenssl: number;
  readonly atSamplesEnd: number;
  readonly failedSteps: number;
  readonly ceremonies: number;
  readonly otherTasks: readonly string[];
  readonly notices: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
}

export function sumOf(years: readonly Year[], member: Exclude<keyof Year, "year">): number {
  return years.reduce((sum, each) => sum + each[member], 0);
}
