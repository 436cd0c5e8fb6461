/**
 * Room: core/rotation. Takes in what a machine without a network has signed: for the very request that was made here,
 * once, by two people. An issuing authority is trusted from then on; so is a root whose predecessor's word is in the
 * answer. A root that the key service's root has to vouch for waits for that, under the same approval.
 */
import { executeSteps } from "../../access/approval.ts";
import type { Step } from "../../access/steps.ts";
import { getFleet } from "../../authority/issuer.ts";
import { AppError } from "../../errors.ts";
import type { RevocationApp } from "../../ports.ts";
import type { CeremonyRecord } from "../../records/ceremony-record.ts";
import type { Stored } from "../../records/certificate-record.ts";
import { type RolloverRecord, rolloverItem } from "../../records/rollover-record.ts";
import { wake } from "../../revocation/wake.ts";
import { rotationStandard } from "../../standard/rotation.ts";
import { rolloverView } from "../rollover.ts";
import { drawId, entered, findRollover } from "../rollover-store.ts";
import { rolloverEntry } from "../transitions.ts";
import type { RolloverView } from "../views.ts";
import type { OfflineAnswer } from "./answer.ts";
import { type OfflineNeed, offlineNeed } from "./asked.ts";
import {
  type AnswerImport,
  approvedAnswer,
  askedRequest,
  ceremonySteps,
  documentSteps,
  heldOffline,
  keysOf,
  stateInvalid,
} from "./import-steps.ts";
import { authoritySteps, certificateWrites, importedSuccession, type SuccessorImport } from "./imported.ts";
import { signerSteps } from "./imported-signer.ts";
import { base64Of } from "./members.ts";
import { verifyAnswer } from "./verification.ts";

export interface ImportRequest extends AnswerImport {
  readonly rolloverId: string;
}

function assertNeeded(
  need: OfflineNeed | undefined,
  { request }: OfflineAnswer,
): asserts need is OfflineNeed {
  const [known] = request.authorities;
  if (need?.purpose === request.purpose && known?.certificate === base64Of(need.root.record.certificate))
    return;
  throw stateInvalid("the rollover or its root has changed since the request was made; fetch the new one");
}

/** Whether the key service's root has to vouch for the new one. */
const awaitsRoot = ({ purpose, root }: OfflineNeed, { emergency }: RolloverRecord): boolean =>
  purpose === "root" && root.record.custody !== "offline" && !emergency;

function ceremonyOf(
  app: RevocationApp,
  request: ImportRequest,
  ceremonyId: string,
  waits: boolean,
): CeremonyRecord {
  const now = app.clock.now();
  const { caller, approval, rolloverId, answer } = request;
  const common = {
    fleet: caller.fleet,
    ceremonyId,
    purpose: answer.request.purpose === "list" ? ("rootList" as const) : ("rollover" as const),
    rolloverId,
    approvalId: approval.approvalId,
    createdAt: now,
    createdBy: caller.actor,
  };
  // What is left is NewWithOld: an ordinary ceremony, with the root that is lent for it.
  if (waits)
    return {
      ...common,
      ...{ mode: "service", state: "approved" },
      closesAt: now + rotationStandard.ceremony.windowSeconds * 1000,
    };
  return { ...common, ...heldOffline(now) };
}

interface Taken {
  readonly rollover: Stored<RolloverRecord>;
  readonly need: OfflineNeed;
  readonly it: SuccessorImport;
}

/** The rollover as it is to be: published, unless nothing of it changes yet. */
async function rolloverSteps(app: RevocationApp, { rollover, need, it }: Taken, actor: string) {
  const { value, version } = rollover;
  const lost = () =>
    new AppError("rollover_state_invalid", "the rollover was changed meanwhile; repeat this");
  if (need.purpose === "list" || awaitsRoot(need, value))
    return { record: value, steps: [{ write: { check: rolloverItem(value), when: version }, lost }] };
  const now = app.clock.now();
  const record: RolloverRecord = { ...entered(value, "published", now), publishedAt: now };
  const steps: readonly Step[] = [
    { write: { put: rolloverItem(record), when: version }, lost },
    { write: rolloverEntry(app, record, "rollover.advanced", actor, "published") },
    ...(await authoritySteps(app, importedSuccession(app, it, need.root))),
  ];
  return { record, steps };
}

/**
 * Verifies the answer in all its parts and takes it in, spending the approval: all or nothing. The lists and the
 * transcript are put in their places by the ceremony's task, which is started.
 * @throws AppError not_found; approval_mismatch, approval_spent; ceremony_invalid: a signature, a certificate, a list or
 * the transcript is not what it must be, or the answer is for another request; ceremony_state_invalid: nothing is asked,
 * it was answered, or is over; rollover_state_invalid: changed meanwhile; authority_unavailable, key_offline.
 */
export async function importOffline(app: RevocationApp, request: ImportRequest): Promise<RolloverView> {
  const answer = approvedAnswer(request);
  const { caller, rolloverId } = request;
  const rollover = await findRollover(app, { fleet: caller.fleet, rolloverId });
  const asked = await askedRequest(app, caller.fleet, rolloverId, answer);
  const fleet = await getFleet(app, caller.fleet);
  const need = offlineNeed(fleet, rollover.value);
  assertNeeded(need, answer);
  const ceremonyId = drawId(app, app.clock.now());
  const it: SuccessorImport = {
    ...{ fleet, rollover: rollover.value, ceremonyId, verified: await verifyAnswer(answer) },
    ...keysOf(asked.value),
  };
  const { record, steps } = await rolloverSteps(app, { rollover, need, it }, caller.actor);
  const ceremony = ceremonyOf(app, { ...request, answer }, ceremonyId, awaitsRoot(need, rollover.value));
  await executeSteps(app, request.approval, [
    ...documentSteps(app, caller.actor, answer, asked, ceremonyId),
    ...steps,
    ...(await signerSteps(app, it)),
    ...certificateWrites(app, it).map((write) => ({ write })),
    ...ceremonySteps(app, ceremony),
  ]);
  await wake(app, ceremony.state === "done" ? "ceremony" : "rotate");
  await wake(app, "publish");
  return rolloverView(app, record);
}
