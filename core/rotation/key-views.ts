/**
 * Room: core/rotation. The keys of a fleet, and what waits for people, as they see it. Times are ISO 8601, UTC. What
 * makes them: `key-report.ts` (keyReport), `people.ts` (listRotationTasks), `rotate.ts` (rotate), `data-keys.ts`
 * (rotateDataKey).
 */
import type { KeyCondition } from "../ports.ts";
import type { RotationAction, RotationTaskRecord } from "../records/rotation-task-record.ts";
import type { RotatedKeyKind } from "../standard/rotation.ts";

/**
 * ok: nothing to do; warn: a rotation is coming; due: it is to begin; overdue: past its cryptoperiod, used while the
 * grace lasts; refused: it signs nothing more; ended: another key has taken its place.
 */
export const keyAgeStates = ["ok", "warn", "due", "overdue", "refused", "ended"] as const;
export type KeyAgeState = (typeof keyAgeStates)[number];

/** waiting: trusted, and does not sign yet; used: it signs or wraps; draining: it signs lists alone; out: nobody relies on it. */
export const keyUses = ["waiting", "used", "draining", "out"] as const;
export type KeyUse = (typeof keyUses)[number];

/** What comes next: nothing, by itself, a rollover that somebody or the task plans, or what `RotationAction` says. */
export type NextKeyAction = "none" | "byItself" | "planRollover" | RotationAction;

export interface KeyView {
  readonly kind: RotatedKeyKind;
  /** An authority, `ocsp-1`, `trust-1`, or the name of a wrapping key. */
  readonly name: string;
  /** As the key service has it; absent of what other fleets use too. */
  readonly keyId?: string;
  /** Absent of wrapping keys. */
  readonly algorithm?: string;
  readonly use: KeyUse;
  /** offline: on a machine of people's own. */
  readonly custody: "service" | "offline";
  /** From when its age counts. */
  readonly since: string;
  readonly ageDays: number;
  readonly state: KeyAgeState;
  readonly warnAt: string;
  readonly dueAt: string;
  /** The end of its cryptoperiod. */
  readonly overdueAt: string;
  readonly refusedAt: string;
  /** How its service has it, as of `conditionsAsOf`; absent while nobody has looked. `destroyed`: gone for good. */
  readonly condition?: KeyCondition | "destroyed";
  readonly deletionAt?: string;
  /** Of wrapping keys: days after which it rotates by itself, and how often it was asked to, of how often it can be. */
  readonly rotationDays?: number;
  readonly onDemandRotations?: number;
  readonly onDemandLimit?: number;
  readonly nextAction: NextKeyAction;
  /** When that is to be done, or happens by itself. */
  readonly nextAt?: string;
}

/** Certificates whose keys their holders keep: the key is fresh with each, and ends with it. */
export interface CertificateLives {
  readonly profile: string;
  readonly cryptoperiodDays: number;
  readonly unexpired: number;
  /** The day on which the first of them ends: `2026-03-01`; absent where there is none. */
  readonly firstEndsOn?: string;
}

export interface KeyReport {
  readonly fleet: string;
  readonly reportedAt: string;
  /** When the conditions were read from the key service; absent: never yet. */
  readonly conditionsAsOf?: string;
  /** Roots, issuing authorities, responder, signers of trust manifests, wrapping keys; of each the oldest first. */
  readonly keys: readonly KeyView[];
  /** Counted at `certificatesAsOf`. */
  readonly certificates: readonly CertificateLives[];
  readonly certificatesAsOf: string;
}

export interface RotationTaskView {
  readonly action: RotationAction;
  readonly subject: string;
  readonly severity: RotationTaskRecord["severity"];
  readonly openedAt: string;
  readonly dueAt?: string;
  readonly closedAt?: string;
}

export interface RotationTaskListRequest {
  readonly fleet: string;
  /** Those of the last ninety days that are closed too. @default false */
  readonly closed?: boolean;
}

/** The most severe first, then the oldest. */
export interface RotationTaskList {
  readonly tasks: readonly RotationTaskView[];
}

export interface RotationOptions {
  /** Milliseconds since the epoch after which nothing new is begun; may come nearer meanwhile. @default without end */
  readonly until?: number;
  /** Logs a run that changed nothing too. @default false */
  readonly logEveryRun?: boolean;
}

export interface RotationReport {
  /** Roots lent and taken back. */
  readonly loans: number;
  /** Rollovers planned because they were due, and steps of rollovers. */
  readonly rollovers: number;
  /** Tasks for people that were opened or closed. */
  readonly tasks: number;
  readonly notices: number;
  /** Wrapping keys that were rotated because somebody asked. */
  readonly rotated: number;
  readonly failed: number;
}
