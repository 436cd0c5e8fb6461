/**
 * Room: core/enrollment. Enrolment requests without a credential: operators see them, compare the key's fingerprint
 * with the device's, and decide, once.
 */

import { auditEntry } from "../audit/entry.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import { deviceItem } from "../records/device-record.ts";
import {
  allRequests,
  type EnrollmentRequestRecord,
  enrollmentRequestItem,
  enrollmentRequestRecord,
  type RequestPlace,
  requestPlaces,
  requestPlacesQuery,
} from "../records/enrollment-request-record.ts";
import { readItems } from "../records/pages.ts";
import { isoSeconds } from "./answer.ts";
import { heldBack } from "./hold.ts";
import { findDevice } from "./known-device.ts";

export interface EnrollmentRequestView {
  readonly requestId: string;
  readonly deviceId: string;
  readonly keyAlgorithm: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lowercase hexadecimal. */
  readonly keySha256: string;
  readonly state: "pending" | "approved" | "denied";
  /** ISO 8601, UTC. */
  readonly requestedAt: string;
  readonly expiresAt: string;
}

/** A decided request is kept this long for its device to come back. */
const keepMilliseconds = 7 * 86_400_000;
const decideAttempts = 5;

/** Whether its time is over: it counts as if it were not there. */
export const isOver = (app: Pick<KeylessApp, "clock">, { expiresAt }: EnrollmentRequestRecord): boolean =>
  expiresAt <= app.clock.now();

/** The places that a request may have. One read. */
export async function findPlaces(
  app: KeylessApp,
  fleet: string,
  requestId: string,
): Promise<readonly RequestPlace[]> {
  return requestPlaces(fleet, requestId, await readItems(app, requestPlacesQuery(fleet, requestId)));
}

/** Of these places the request's own, undefined when it is in none or over. */
export function placeOf(
  app: KeylessApp,
  places: readonly RequestPlace[],
  requestId: string,
): RequestPlace | undefined {
  return places.find(({ record }) => record?.requestId === requestId && !isOver(app, record));
}

function view(record: EnrollmentRequestRecord): EnrollmentRequestView | undefined {
  const { requestId, deviceId, keyAlgorithm, keyFingerprint, state } = record;
  if (state === "issued") return undefined;
  return {
    requestId,
    deviceId,
    keyAlgorithm,
    keySha256: keyFingerprint,
    state,
    requestedAt: isoSeconds(record.requestedAt),
    expiresAt: isoSeconds(record.expiresAt),
  };
}

/** Those that wait, and decided ones whose device has not come back; the oldest first. One partition. */
export async function listEnrollmentRequests(
  app: KeylessApp,
  fleet: string,
): Promise<readonly EnrollmentRequestView[]> {
  const records = (await readItems(app, allRequests(fleet))).map(enrollmentRequestRecord);
  return records
    .filter((record) => !isOver(app, record))
    .sort((left, right) => left.requestedAt - right.requestedAt)
    .flatMap((record) => view(record) ?? []);
}

export interface EnrollmentDecision {
  readonly fleet: string;
  /** SHA-256 of the CSR, lowercase hexadecimal. */
  readonly requestId: string;
  readonly decision: "approve" | "deny";
  /** Who decides, as the audit log names it. */
  readonly actor: string;
}

function notFound(): AppError {
  return new AppError("not_found", "there is no such enrolment request, or its time is over");
}

/** An approval makes the device known. @throws AppError device_not_active (retired). */
async function approvalWrites(
  app: KeylessApp,
  fleet: string,
  deviceId: string,
): Promise<readonly WriteOperation[]> {
  const { device, hold } = await findDevice(app, fleet, deviceId);
  if (hold?.value.state === "retired") throw heldBack(hold.value);
  if (device !== undefined) return [];
  const put = deviceItem(fleet, { deviceId, createdAt: app.clock.now() });
  return [{ put, when: "absent" }];
}

async function decideOn(
  app: KeylessApp,
  { fleet, actor, decision }: EnrollmentDecision,
  place: RequestPlace,
  record: EnrollmentRequestRecord,
): Promise<EnrollmentRequestRecord> {
  const now = app.clock.now();
  const state = decision === "approve" ? "approved" : "denied";
  const put = {
    ...record,
    state,
    decidedAt: now,
    decidedBy: actor,
    expiresAt: now + keepMilliseconds,
  } as const;
  const known = decision === "approve" ? await approvalWrites(app, fleet, record.deviceId) : [];
  await app.items.transact([
    { put: enrollmentRequestItem(place.key, put), when: place.version },
    auditEntry(app, {
      fleet,
      action: "enrollment-request.decided",
      actor,
      subject: record.requestId,
      result: "success",
      reason: state,
    }),
    ...known,
  ]);
  return put;
}

function assertUndecided({ state }: EnrollmentRequestRecord): void {
  if (state === "pending") return;
  throw new AppError("already_exists", `the request is decided already: it was ${state}`);
}

/**
 * Repeating a decision gives the same answer.
 * @throws AppError not_found, already_exists (decided otherwise), device_not_active, store_condition_failed.
 */
export async function decideEnrollmentRequest(
  app: KeylessApp,
  request: EnrollmentDecision,
): Promise<EnrollmentRequestView> {
  const { fleet, requestId, decision } = request;
  const wanted = decision === "approve" ? "approved" : "denied";
  for (let attempt = 1; ; attempt += 1) {
    const place = placeOf(app, await findPlaces(app, fleet, requestId), requestId);
    if (place?.record === undefined) throw notFound();
    const { record } = place;
    if (record.state !== wanted) assertUndecided(record);
    try {
      const now = record.state === wanted ? record : await decideOn(app, request, place, record);
      const shown = view(now);
      if (shown !== undefined) return shown;
      throw notFound();
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === decideAttempts) throw error;
    }
  }
}
