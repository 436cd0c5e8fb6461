/** Room: core/protection. Destructions as they are found, shown and listed. */
import { isoSeconds } from "../enrollment/answer.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type ShredReason,
  type ShredRecord,
  type ShredState,
  shredKey,
  shredPartition,
  shredRecord,
} from "../records/shred-record.ts";
import { findKeepingItem, type KeepingListRequest, keepingPage } from "./safekeeping-list.ts";

/** Times are ISO 8601, UTC. */
export interface ShredView {
  readonly shredId: string;
  readonly state: ShredState;
  readonly scope: "subject" | "fleet";
  readonly subject?: string;
  readonly reason: ShredReason;
  readonly decidedAt: string;
  /** `operator:…`, as the audit log names them. */
  readonly decidedBy: string;
  readonly approvalId: string;
  /** Keys destroyed so far. */
  readonly destroyed: number;
  readonly endedAt?: string;
  /** The certificate of destruction, and the SHA-256 of its canonical JSON in lowercase hexadecimal. */
  readonly certificate?: Readonly<Record<string, unknown>>;
  readonly certificateDigest?: string;
  /** Code of the last failure in a row. */
  readonly lastFailure?: string;
}

export interface ShredRequest {
  readonly fleet: string;
  readonly shredId: string;
}

/** One page, newest first. */
export interface ShredList {
  readonly shreds: readonly ShredView[];
  /** Present when there is more. */
  readonly cursor?: string;
}

type Ending = Pick<ShredView, "endedAt" | "certificate" | "certificateDigest" | "lastFailure">;

function ending({ endedAt, certificate, certificateDigest, lastFailure }: ShredRecord): Ending {
  return {
    ...(endedAt === undefined ? {} : { endedAt: isoSeconds(endedAt) }),
    ...(certificate === undefined
      ? {}
      : { certificate: JSON.parse(certificate) as Readonly<Record<string, unknown>> }),
    ...(certificateDigest === undefined ? {} : { certificateDigest }),
    ...(lastFailure === undefined ? {} : { lastFailure }),
  };
}

export function shredView(record: ShredRecord): ShredView {
  const { shredId, state, scope, subject, reason, decidedAt, decidedBy, approvalId, destroyed } = record;
  return {
    shredId,
    state,
    scope,
    ...(subject === undefined ? {} : { subject }),
    reason,
    decidedAt: isoSeconds(decidedAt),
    decidedBy,
    approvalId,
    destroyed,
    ...ending(record),
  };
}

/** @throws AppError not_found. */
export async function findShred(
  app: KeylessApp,
  { fleet, shredId }: ShredRequest,
): Promise<Stored<ShredRecord>> {
  const remedy = "no destruction of this fleet has that id; list them";
  return shredRecord(await findKeepingItem(app, (id) => shredKey(fleet, id), shredId, remedy));
}

/** @throws AppError not_found: also for one of another fleet. */
export async function getShred(app: KeylessApp, request: ShredRequest): Promise<ShredView> {
  return shredView((await findShred(app, request)).value);
}

/** @throws AppError request_invalid (limit), cursor_invalid. */
export async function listShreds(
  app: KeylessApp,
  { fleet, ...page }: KeepingListRequest,
): Promise<ShredList> {
  const { items, ...rest } = await keepingPage(app, shredPartition(fleet), page);
  return { shreds: items.map((item) => shredView(shredRecord(item).value)), ...rest };
}
