/**
 * Room: core/rotation. New material for a wrapping key because people ask: their wish is put on record, and the task,
 * which alone reaches the key, grants it. A service lets that be asked for a few times in a key's whole life.
 */
import { type ApprovedOperation, executeApproved } from "../access/approval.ts";
import type { OperatorCaller } from "../access/caller.ts";
import { auditEntry } from "../audit/entry.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { DataKeyState, RevocationApp, RotationApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type DataKeyWish,
  dataKeyWish,
  dataKeyWishItem,
  dataKeyWishKey,
  dataKeyWishPartition,
} from "../records/data-key-wish-record.ts";
import { readItems } from "../records/pages.ts";
import { wake } from "../revocation/wake.ts";
import { assertApproved } from "./approved.ts";
import { findKeyConditions } from "./key-conditions.ts";
import { tell } from "./told-notice.ts";

export interface DataKeyRotationRequest {
  readonly caller: OperatorCaller;
  /** `authorityRotation`. */
  readonly approval: ApprovedOperation;
  /** Of a wrapping key in the fleet's report. */
  readonly name: string;
}

export interface DataKeyRotation {
  readonly name: string;
  readonly askedAt: string;
  /** Rotations that were asked for before this one, of how many, as far as is known. */
  readonly onDemandRotations: number;
  readonly onDemandLimit: number;
}

const maximumWishes = 1_000;

/** A key that all fleets share has 25 rotations for all of them: who deploys the stage spends those. */
function assertOwn(fleet: string, name: string): void {
  if (name.startsWith(`${fleet}-`)) return;
  throw new AppError(
    "not_found",
    `the fleet has no wrapping key of that name; its own begin with "${fleet}-": read the report of keys`,
  );
}

async function knownKey(app: RevocationApp, fleet: string, name: string): Promise<DataKeyState> {
  assertOwn(fleet, name);
  const conditions = await findKeyConditions(app, fleet);
  const key = conditions?.value.dataKeys.find((each) => each.name === name);
  if (key === undefined)
    throw new AppError(
      "not_found",
      "the fleet has no wrapping key of that name, or nobody has looked yet; read the report of keys",
    );
  if (key.condition !== "enabled")
    throw new AppError("key_disabled", `the key is ${key.condition}; enable it first`);
  if (key.onDemandRotations < key.onDemandLimit) return key;
  throw new AppError(
    "key_rotation_exhausted",
    `the key was rotated on demand ${key.onDemandRotations} times, limit ${key.onDemandLimit}; it rotates by itself, or make another key`,
  );
}

/**
 * Asks for it. A second wish for a key that waits changes nothing, and spends its approval.
 * @throws AppError not_found (no such key in the fleet's report), key_disabled, key_rotation_exhausted,
 * approval_mismatch, approval_spent.
 */
export async function rotateDataKey(
  app: RevocationApp,
  { caller, approval, name }: DataKeyRotationRequest,
): Promise<DataKeyRotation> {
  assertApproved(approval, "authorityRotation");
  const { fleet, actor } = caller;
  const { onDemandRotations, onDemandLimit } = await knownKey(app, fleet, name);
  const found = await app.items.get(dataKeyWishKey(name));
  const before = found === undefined ? undefined : dataKeyWish(found).value;
  const waits = before !== undefined && before.endedAt === undefined;
  const wish: DataKeyWish = waits ? before : { name, fleet, askedBy: actor, askedAt: app.clock.now() };
  const act = { fleet, action: "data-key.rotation-asked", actor, subject: name, result: "success" } as const;
  await executeApproved(app, approval, [
    { put: dataKeyWishItem(wish), when: found?.version ?? "absent" },
    auditEntry(app, act),
  ]);
  await wake(app, "rotate");
  return { name, askedAt: isoSeconds(wish.askedAt), onDemandRotations, onDemandLimit };
}

async function end(
  app: RotationApp,
  { value, version }: Stored<DataKeyWish>,
  result: "success" | "failure",
  reason?: string,
): Promise<void> {
  const { name, fleet } = value;
  const act = { fleet, action: "data-key.rotated", actor: "system", subject: name, result } as const;
  await app.items.transact([
    { put: dataKeyWishItem({ ...value, endedAt: app.clock.now() }), when: version },
    auditEntry(app, reason === undefined ? act : { ...act, reason }),
  ]);
}

/** What no later run could do better either. */
const isFinal = (error: unknown): error is AppError =>
  isAppError(error, "key_rotation_exhausted") ||
  isAppError(error, "key_not_found") ||
  isAppError(error, "key_disabled");

async function refuse(app: RotationApp, stored: Stored<DataKeyWish>, error: AppError): Promise<number> {
  const { fleet, name: subject } = stored.value;
  await tell(app, { event: "data-key.not-rotated", severity: "warning", fleet, subject });
  await end(app, stored, "failure", error.code);
  return 0;
}

/** @returns The wish with the count from which the task has begun: whoever dies after the rotation finds it done. */
async function begun(
  app: RotationApp,
  stored: Stored<DataKeyWish>,
  rotationsBefore: number,
): Promise<Stored<DataKeyWish>> {
  if (stored.value.rotationsBefore !== undefined) return stored;
  const value = { ...stored.value, rotationsBefore };
  await app.items.transact([{ put: dataKeyWishItem(value), when: stored.version }]);
  return { value, version: stored.version + 1 };
}

async function grant(
  app: RotationApp,
  asked: Stored<DataKeyWish>,
  keys: readonly DataKeyState[],
): Promise<number> {
  const { name } = asked.value;
  const key = keys.find((each) => each.name === name);
  try {
    if (key === undefined) throw new AppError("key_not_found", "the deployment has no such wrapping key");
    const stored = await begun(app, asked, key.onDemandRotations);
    if (key.onDemandRotations <= (stored.value.rotationsBefore ?? 0)) await app.dataKeys.rotateNow(name);
    await end(app, stored, "success");
    return 1;
  } catch (error) {
    // Another run does the same.
    if (isAppError(error, "store_condition_failed")) return 0;
    if (isFinal(error)) {
      const again = await app.items.get(dataKeyWishKey(name));
      const stored = again === undefined ? undefined : dataKeyWish(again);
      return stored === undefined || stored.value.endedAt !== undefined
        ? 0
        : await refuse(app, stored, error);
    }
    throw error;
  }
}

/**
 * Grants every wish. A run that dies, or meets another, asks the service a second time at most.
 * @param listDataKeys As they are now. @returns How many were rotated.
 * @throws AppError key_service_unavailable, store_unavailable, notifier_unavailable.
 */
export async function grantRotations(
  app: RotationApp,
  listDataKeys: () => Promise<readonly DataKeyState[]>,
): Promise<number> {
  const items = await readItems(app, { pk: dataKeyWishPartition, limit: maximumWishes });
  const waiting = items.map(dataKeyWish).filter(({ value }) => value.endedAt === undefined);
  if (waiting.length === 0) return 0;
  const keys = await listDataKeys();
  let granted = 0;
  for (const wish of waiting) granted += await grant(app, wish, keys);
  return granted;
}
