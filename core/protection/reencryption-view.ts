/** Room: core/protection. Re-encryptions as they are found, shown and listed. */
import { isoSeconds } from "../enrollment/answer.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type ReencryptionRecord,
  type ReencryptionState,
  reencryptionKey,
  reencryptionPartition,
  reencryptionRecord,
} from "../records/reencryption-record.ts";
import { findKeepingItem, type KeepingListRequest, keepingPage } from "./safekeeping-list.ts";

/** Times are ISO 8601, UTC. */
export interface ReencryptionView {
  readonly reencryptionId: string;
  readonly state: ReencryptionState;
  /** The wrapping key that all are to be under. */
  readonly targetKeyId: string;
  /** Keys wrapped before are moved. */
  readonly createdAt: string;
  readonly createdBy: string;
  readonly endedAt?: string;
  /** Keys that were wrapped anew since it began, and those that were made since, as they should be. */
  readonly moved: number;
  readonly unchanged: number;
  /** Keys that no wrapping key opens. */
  readonly unreadable: number;
  /** Keys that were opened again under the target. */
  readonly verified: number;
  /** Code of the last failure in a row, and when the task tries again. */
  readonly lastFailure?: string;
  readonly nextAt?: string;
}

export interface ReencryptionRequest {
  readonly fleet: string;
  readonly jobId: string;
}

/** One page, newest first. */
export interface ReencryptionList {
  readonly reencryptions: readonly ReencryptionView[];
  /** Present when there is more. */
  readonly cursor?: string;
}

export function reencryptionView(record: ReencryptionRecord): ReencryptionView {
  const { jobId, state, targetKeyId, createdAt, createdBy, endedAt, lastFailure, nextAt } = record;
  const { moved, unchanged, unreadable, verified } = record;
  return {
    reencryptionId: jobId,
    state,
    targetKeyId,
    createdAt: isoSeconds(createdAt),
    createdBy,
    ...(endedAt === undefined ? {} : { endedAt: isoSeconds(endedAt) }),
    moved,
    unchanged,
    unreadable,
    verified,
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(nextAt === undefined ? {} : { nextAt: isoSeconds(nextAt) }),
  };
}

/** @throws AppError not_found. */
export async function findReencryption(
  app: KeylessApp,
  { fleet, jobId }: ReencryptionRequest,
): Promise<Stored<ReencryptionRecord>> {
  const remedy = "no re-encryption of this fleet has that id; list them";
  return reencryptionRecord(await findKeepingItem(app, (id) => reencryptionKey(fleet, id), jobId, remedy));
}

/** @throws AppError not_found: also for one of another fleet. */
export async function getReencryption(
  app: KeylessApp,
  request: ReencryptionRequest,
): Promise<ReencryptionView> {
  return reencryptionView((await findReencryption(app, request)).value);
}

/** @throws AppError request_invalid (limit), cursor_invalid. */
export async function listReencryptions(
  app: KeylessApp,
  { fleet, ...page }: KeepingListRequest,
): Promise<ReencryptionList> {
  const { items, ...rest } = await keepingPage(app, reencryptionPartition(fleet), page);
  return { reencryptions: items.map((item) => reencryptionView(reencryptionRecord(item).value)), ...rest };
}
