/**
 * Room: core/rotation. Rollovers and ceremonies as people ask for them and see them. Times are ISO 8601, UTC. What acts:
 * `rollover-plan.ts` (previewRollover, planRollover, planDueRollover), `rollover.ts` (listRollovers, getRollover),
 * `advance.ts` (advanceRollover, advanceRollovers), `rollback.ts` (rollbackRollover), `destruction.ts`
 * (cancelDestruction), `ceremony.ts` (openCeremony, listCeremonies, getCeremony), `loans.ts` (lendRoots, returnRoots),
 * `held-ceremony.ts` (holdCeremonies).
 */
import type { ApprovedOperation } from "../access/approval.ts";
import type { OperatorCaller } from "../access/caller.ts";
import type { AuthorityAlgorithmId } from "../formats/algorithms.ts";
import type { CeremonyPurpose, CeremonyState } from "../records/ceremony-record.ts";
import type { RolloverRecord, RolloverState } from "../records/rollover-record.ts";

/**
 * ceremony: two people open one, and it certifies the successor; manifest: the trust manifest that is in its place names
 * the successor; days: time in this state; adoption: percent of active devices that have acknowledged that manifest;
 * gateway: it lets clients of the successor in; drained: the last certificate of the predecessor has ended, and for the
 * end of its key also its last list; children: what stands below the root that goes; approval: two people decide.
 */
export const gates = [
  "ceremony",
  "manifest",
  "days",
  "adoption",
  "gateway",
  "drained",
  "children",
  "approval",
] as const;
export type GateId = (typeof gates)[number];

export interface GateView {
  readonly gate: GateId;
  readonly holds: boolean;
  /** days: whole days; adoption: percent, to one decimal; children: how many stand. */
  readonly have?: number;
  readonly want?: number;
  /** When it holds by itself, where time alone decides. */
  readonly at?: string;
}

export interface RolloverView {
  readonly rolloverId: string;
  readonly kind: RolloverRecord["kind"];
  readonly state: RolloverState;
  /** Authorities, by `authorityId`. */
  readonly from: string;
  readonly to: string;
  readonly algorithm: AuthorityAlgorithmId;
  readonly custody: RolloverRecord["custody"];
  readonly emergency: boolean;
  readonly createdAt: string;
  /** `operator:…`, or `system`. */
  readonly createdBy: string;
  /** Into the present state. */
  readonly enteredAt: string;
  readonly publishedAt?: string;
  /** When the manifest was found in its place that names the successor, and its version. */
  readonly namedAt?: string;
  readonly trustVersion?: number;
  readonly activatedAt?: string;
  readonly drainedAt?: string;
  readonly retiredAt?: string;
  /** Two people have decided that the predecessor's key goes. */
  readonly destructionApprovedAt?: string;
  readonly deletionAt?: string;
  readonly endedAt?: string;
  /** Absent where nothing follows. */
  readonly next?: { readonly state: RolloverState; readonly gates: readonly GateView[] };
  readonly mayRollBack: boolean;
}

export interface RolloverName {
  readonly fleet: string;
  readonly rolloverId: string;
}

export interface ListRequest {
  readonly fleet: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** From the previous page. */
  readonly cursor?: string;
}

/** One page, newest first. */
export interface RolloverList {
  readonly rollovers: readonly RolloverView[];
  /** Present when there is more. */
  readonly cursor?: string;
}

/** A step of a rollover that is not planned yet. */
export interface PlannedStep {
  readonly state: RolloverState;
  /** What it waits for. */
  readonly gates: readonly GateId[];
  /** people: two of them; system: the task, as soon as all gates hold. */
  readonly by: "system" | "people";
  /** The earliest, if whoever decides decides at once; absent where other rollovers decide. */
  readonly at?: string;
}

/** What a rollover would do, and to how many. */
export interface RolloverPlan {
  readonly kind: RolloverRecord["kind"];
  readonly from: string;
  readonly to: string;
  readonly algorithm: AuthorityAlgorithmId;
  readonly custody: RolloverRecord["custody"];
  readonly emergency: boolean;
  readonly steps: readonly PlannedStep[];
  /** Keys that must be there before the ceremony, by their names in the key service. */
  readonly keys: readonly { readonly name: string; readonly algorithm: AuthorityAlgorithmId }[];
  /** Unexpired certificates that the predecessor issued, or that were issued below it, as counted at `asOf`. */
  readonly inForce: {
    readonly asOf: string;
    readonly certificates: number;
    readonly byProfile: Readonly<Record<string, number>>;
  };
  /** Devices that have acknowledged any trust, and of them the newest version; no number where nothing was published. */
  readonly devices?: { readonly trusting: number; readonly upToDate: number; readonly asOf: string };
  /** The rollover of this kind that must come further, or be taken back, before another can be planned. */
  readonly blockedBy?: string;
}

export interface PreviewRequest {
  readonly fleet: string;
  readonly kind: RolloverRecord["kind"];
  /** @default the predecessor's */
  readonly algorithm?: AuthorityAlgorithmId;
  /** Of a new root's key. @default the predecessor's; in an emergency "service" */
  readonly custody?: RolloverRecord["custody"];
  /** @default false */
  readonly emergency?: boolean;
}

/** `approval` was redeemed for this very operation of `caller`. */
export interface ApprovedRequest {
  readonly caller: OperatorCaller;
  readonly approval: ApprovedOperation;
}

/** Critical operation `authorityRotation`. */
export type PlanRequest = ApprovedRequest & Omit<PreviewRequest, "fleet">;

/** `authorityRotation`; to `destroyed`, and to call that off, `keyDestruction`. */
export interface RolloverRequest extends ApprovedRequest {
  readonly rolloverId: string;
}

export interface AdvanceRequest extends RolloverRequest {
  readonly to: RolloverState;
  /** With `retired`: the predecessor's key is lost since the rollover was planned, and nobody waits for what drains. */
  readonly emergency?: boolean;
}

/** `authorityUse`. */
export interface CeremonyRequest extends ApprovedRequest {
  readonly purpose: CeremonyPurpose;
  /** With purpose `rollover`. */
  readonly rolloverId?: string;
}

export interface CeremonyView {
  readonly ceremonyId: string;
  readonly purpose: CeremonyPurpose;
  readonly mode: "service" | "offline";
  readonly rolloverId?: string;
  readonly signerId?: string;
  readonly state: CeremonyState;
  readonly approvalId: string;
  readonly createdAt: string;
  readonly createdBy: string;
  /** Nothing is signed from then on. */
  readonly closesAt: string;
  /** Root keys that are lent at this time. */
  readonly rootsLent: number;
  readonly returnedAt?: string;
  /** A code. */
  readonly failure?: string;
  readonly endedAt?: string;
}

export interface CeremonyName {
  readonly fleet: string;
  readonly ceremonyId: string;
}

/** One page, newest first. */
export interface CeremonyList {
  readonly ceremonies: readonly CeremonyView[];
  /** Present when there is more. */
  readonly cursor?: string;
}
