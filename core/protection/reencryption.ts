/**
 * Room: core/protection. A re-encryption begins and is stopped here; the task moves the keys
 * (`reencryption-work.ts`). The wrapped keys of subjects go under the wrapping key in force; messages stay as they are,
 * and no key is ever in the clear for it.
 */
import { auditEntry } from "../audit/entry.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, ProtectionApp, WriteOperation } from "../ports.ts";
import { readItems } from "../records/pages.ts";
import {
  isReencryptionOpen,
  type ReencryptionRecord,
  reencryptionItem,
  reencryptionPartition,
  reencryptionRecord,
} from "../records/reencryption-record.ts";
import { currentContextVersion, subjectKeyParts } from "../records/subject-key-record.ts";
import { wake } from "../revocation/wake.ts";
import {
  findReencryption,
  type ReencryptionRequest,
  type ReencryptionView,
  reencryptionView,
} from "./reencryption-view.ts";
import { drawKeepingId } from "./safekeeping-list.ts";

export { getReencryption, listReencryptions, type ReencryptionView } from "./reencryption-view.ts";

export interface ReencryptionStart {
  readonly fleet: string;
  /** Who asks, as the audit log names it: `operator:…`. */
  readonly actor: string;
}

export interface ReencryptionCancellation extends ReencryptionRequest {
  readonly actor: string;
}

/** Each lost race is a batch of the task's; a person's call wins one of so many. */
const attempts = 50;

/** More than are ever open: one, and one more when two people began at the same moment. */
const newest = 10;

/** A pass over all keys from its beginning, under the wrapping key that is in force. */
export const movingFromStart = (targetKeyId: string) =>
  ({
    state: "moving",
    targetKeyId,
    contextVersion: currentContextVersion,
    part: subjectKeyParts[0] ?? "00",
    moved: 0,
    unchanged: 0,
    unreadable: 0,
    verified: 0,
  }) as const;

/** The act of `actor` on the job, for the audit. `reason`: how it ended. */
export function reencryptionEntry(
  app: KeylessApp,
  { fleet, jobId }: ReencryptionRecord,
  action: "reencryption.started" | "reencryption.ended",
  actor: string,
  reason?: string,
): WriteOperation {
  const act = { fleet, action, actor, subject: jobId, result: "success" } as const;
  return auditEntry(app, reason === undefined ? act : { ...act, reason });
}

async function assertNoneOpen(app: KeylessApp, fleet: string): Promise<void> {
  const pk = reencryptionPartition(fleet);
  const items = await readItems(app, { pk, descending: true, limit: newest });
  const open = items.map((item) => reencryptionRecord(item).value).find(isReencryptionOpen);
  if (open === undefined) return;
  throw new AppError(
    "job_state_invalid",
    `re-encryption ${open.jobId} is ${open.state}, limit one at a time; wait for its end, or cancel it`,
  );
}

/**
 * Every subject key that was wrapped before now goes under the wrapping key in force: also under the same name, for a
 * key that KMS rotates on demand keeps its ARN. Keys made from now on are under it already.
 * @throws AppError job_state_invalid (one is open), subject_shredded (the fleet's data are destroyed), key_not_found
 * (the fleet has no wrapping key), not_found.
 */
export async function startReencryption(
  app: ProtectionApp,
  { fleet, actor }: ReencryptionStart,
): Promise<ReencryptionView> {
  const { record } = await getFleet(app, fleet);
  if (record.dataShreddedAt !== undefined)
    throw new AppError("subject_shredded", "the fleet's data were shredded; there is nothing to re-encrypt");
  await assertNoneOpen(app, fleet);
  const targetKeyId = await app.wrappingKeys.keyOf(fleet);
  const createdAt = app.clock.now();
  const job: ReencryptionRecord = {
    fleet,
    jobId: drawKeepingId(app, createdAt),
    createdAt,
    createdBy: actor,
    ...movingFromStart(targetKeyId),
    failures: 0,
  };
  const entry = reencryptionEntry(app, job, "reencryption.started", actor);
  await app.items.transact([{ put: reencryptionItem(job), when: "absent" }, entry]);
  await wake(app, "safekeep");
  return reencryptionView(job);
}

/** The job, ended so by `actor`. */
export function cancelled(job: ReencryptionRecord, endedAt: number): ReencryptionRecord {
  const { nextAt: _, ...rest } = job;
  return { ...rest, state: "cancelled", endedAt };
}

async function tryCancel(app: KeylessApp, request: ReencryptionCancellation): Promise<ReencryptionView> {
  const { value, version } = await findReencryption(app, request);
  if (value.state === "cancelled") return reencryptionView(value);
  if (value.state === "done")
    throw new AppError("job_state_invalid", "the re-encryption is done; begin another one");
  const job = cancelled(value, app.clock.now());
  const entry = reencryptionEntry(app, job, "reencryption.ended", request.actor, "cancelled");
  await app.items.transact([{ put: reencryptionItem(job), when: version }, entry]);
  return reencryptionView(job);
}

/**
 * Stops it. What is moved stays so, and the rest stays readable under the key that it has. Repeating it gives the same
 * answer.
 * @throws AppError not_found, job_state_invalid (done), store_condition_failed.
 */
export async function cancelReencryption(
  app: KeylessApp,
  request: ReencryptionCancellation,
): Promise<ReencryptionView> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryCancel(app, request);
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}
