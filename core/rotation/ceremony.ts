/**
 * Room: core/rotation. Use of a root's key, as two people open it: what for, and for an hour. The task then lends the
 * roots (`loans.ts`), and the signer of ceremonies signs (`held-ceremony.ts`).
 */
import { executeApproved } from "../access/approval.ts";
import { getFleet } from "../authority/issuer.ts";
import { signerIn, trustSigners } from "../distribution/known-signers.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp, RevocationApp } from "../ports.ts";
import {
  type CeremonyRecord,
  ceremonyItem,
  ceremonyPartition,
  ceremonyPurposes,
  ceremonyRecord,
} from "../records/ceremony-record.ts";
import { isTrusted } from "../records/fleet-record.ts";
import { wake } from "../revocation/wake.ts";
import { rotationStandard } from "../standard/rotation.ts";
import { assertApproved } from "./approved.ts";
import {
  ceremonyEntry,
  findCeremony,
  isOutstanding,
  isUnfinished,
  loansOf,
  recent,
} from "./ceremony-store.ts";
import { isImported } from "./offline/imported-answer.ts";
import { isoTimes, pageOf } from "./rollover.ts";
import { drawId, findRollover } from "./rollover-store.ts";
import { rootInForce } from "./signing-root.ts";
import type { CeremonyList, CeremonyName, CeremonyRequest, CeremonyView, ListRequest } from "./views.ts";

/** What the ceremony is for, as people see it. */
export function ceremonyView(record: CeremonyRecord): CeremonyView {
  const { ceremonyId, purpose, mode, rolloverId, signerId, state, approvalId, createdBy, failure } = record;
  return {
    ceremonyId,
    purpose,
    mode,
    ...(rolloverId === undefined ? {} : { rolloverId }),
    ...(signerId === undefined ? {} : { signerId }),
    state,
    approvalId,
    createdAt: isoSeconds(record.createdAt),
    createdBy,
    closesAt: isoSeconds(record.closesAt),
    rootsLent: isOutstanding(record) ? loansOf(record).length : 0,
    ...isoTimes<"returnedAt" | "endedAt">(record, ["returnedAt", "endedAt"]),
    ...(failure === undefined ? {} : { failure }),
  };
}

const offline = (what: string, by = "fleetkey ceremony sign"): AppError =>
  new AppError("key_offline", `${what} is kept offline; sign on its machine: ${by}`);

type Subject = Pick<CeremonyRecord, "rolloverId" | "signerId">;

async function rolloverSubject(app: KeylessApp, fleet: string, rolloverId = ""): Promise<Subject> {
  const { value } = await findRollover(app, { fleet, rolloverId });
  if (value.state !== "planned")
    throw new AppError(
      "rollover_state_invalid",
      `the rollover is ${value.state}, not planned: its successor is certified already, or taken back`,
    );
  if (value.custody === "offline" && !(await isImported(app, value)))
    throw offline(`the key of "${value.toId}"`);
  const root = rootInForce(await getFleet(app, fleet)).record;
  // In an emergency a root is made without the word of the one that is lost.
  if (root.custody === "offline" && !(value.kind === "root" && value.emergency))
    throw offline(`the key of "${root.authorityId}"`);
  return { rolloverId };
}

async function signerSubject(app: KeylessApp, fleet: string): Promise<Subject> {
  const root = rootInForce(await getFleet(app, fleet)).record;
  if (root.custody === "offline")
    throw offline(`the key of "${root.authorityId}"`, "fleetkey ceremony request, then ceremony sign");
  const active = signerIn(await trustSigners(app, fleet), "active");
  if (active !== undefined) return { signerId: active.value.signerId };
  throw new AppError("authority_unavailable", `fleet "${fleet}" has no trust signer; deploy it first`);
}

async function listSubject(app: KeylessApp, fleet: string): Promise<Subject> {
  const { authorities } = await getFleet(app, fleet);
  const here = authorities.some(
    ({ record }) => record.kind === "root" && isTrusted(record) && record.custody !== "offline",
  );
  if (!here) throw offline("the key of every root");
  return {};
}

async function subjectOf(app: KeylessApp, fleet: string, request: CeremonyRequest): Promise<Subject> {
  const { purpose, rolloverId } = request;
  if (!ceremonyPurposes.includes(purpose))
    throw new AppError("request_invalid", `purpose is none of ${ceremonyPurposes.join(", ")}`);
  if ((purpose === "rollover") !== (rolloverId !== undefined))
    throw new AppError("request_invalid", "rolloverId goes with purpose rollover, and with that alone");
  if (purpose === "rollover") return await rolloverSubject(app, fleet, rolloverId);
  return purpose === "trustSigner" ? await signerSubject(app, fleet) : await listSubject(app, fleet);
}

async function assertNoOther(app: KeylessApp, fleet: string, request: CeremonyRequest): Promise<void> {
  const now = app.clock.now();
  const other = (await recent(app, fleet)).find(
    ({ value }) =>
      isUnfinished(value) &&
      now < value.closesAt &&
      value.purpose === request.purpose &&
      value.rolloverId === request.rolloverId,
  );
  if (other === undefined) return;
  throw new AppError(
    "ceremony_state_invalid",
    `ceremony ${other.value.ceremonyId} for the same is ${other.value.state} until ${isoSeconds(other.value.closesAt)}; wait for its end`,
  );
}

/**
 * Opens a ceremony: roots are lent to the signer within minutes, and for an hour.
 * @throws AppError approval_mismatch, approval_spent, request_invalid, not_found (no such rollover),
 * rollover_state_invalid (not planned), ceremony_state_invalid (another is under way for the same), key_offline,
 * authority_unavailable, store_condition_failed. The approval is still good after all but approval_spent.
 */
export async function openCeremony(app: RevocationApp, request: CeremonyRequest): Promise<CeremonyView> {
  const { caller, approval, purpose } = request;
  assertApproved(approval, "authorityUse");
  const { fleet, actor } = caller;
  const subject = await subjectOf(app, fleet, request);
  await assertNoOther(app, fleet, request);
  const now = app.clock.now();
  const record: CeremonyRecord = {
    fleet,
    ceremonyId: drawId(app, now),
    purpose,
    mode: "service",
    ...subject,
    state: "approved",
    approvalId: approval.approvalId,
    createdAt: now,
    createdBy: actor,
    closesAt: now + rotationStandard.ceremony.windowSeconds * 1000,
  };
  await executeApproved(app, approval, [
    { put: ceremonyItem(record), when: "absent" },
    ceremonyEntry(app, record, "ceremony.approved", actor, { reason: purpose }),
  ]);
  await wake(app, "rotate");
  return ceremonyView(record);
}

/** @throws AppError not_found: also for a ceremony of another fleet. */
export async function getCeremony(app: KeylessApp, name: CeremonyName): Promise<CeremonyView> {
  return ceremonyView((await findCeremony(app, name)).value);
}

/** @throws AppError request_invalid (limit), cursor_invalid. */
export async function listCeremonies(app: KeylessApp, request: ListRequest): Promise<CeremonyList> {
  const page = await pageOf(app, ceremonyPartition(request.fleet), request, ceremonyRecord);
  const ceremonies = page.values.map(ceremonyView);
  return page.cursor === undefined ? { ceremonies } : { ceremonies, cursor: page.cursor };
}
