/**
 * Room: core/rotation. Takes in what a machine without a network has signed: for the very request that was made here,
 * once, by two people. An issuing authority is trusted from then on; so is a root whose predecessor's word is in the
 * answer. A root that the key service's root has to vouch for waits for that, under the same approval.
 */
import { executeSteps } from "../../access/approval.ts";
import type { Step } from "../../access/steps.ts";
import { auditEntry } from "../../audit/entry.ts";
import { getFleet } from "../../authority/issuer.ts";
import { AppError } from "../../errors.ts";
import type { RevocationApp } from "../../ports.ts";
import { type CeremonyRecord, ceremonyItem } from "../../records/ceremony-record.ts";
import type { Stored } from "../../records/certificate-record.ts";
import {
  type OfflineAnswerRecord,
  type OfflineRequestRecord,
  offlineAnswerItem,
  offlineRequestItem,
} from "../../records/offline-record.ts";
import { type RolloverRecord, rolloverItem } from "../../records/rollover-record.ts";
import { wake } from "../../revocation/wake.ts";
import { rotationStandard } from "../../standard/rotation.ts";
import { assertApproved } from "../approved.ts";
import { rolloverView } from "../rollover.ts";
import { drawId, entered, findRollover } from "../rollover-store.ts";
import { rolloverEntry } from "../transitions.ts";
import type { RolloverRequest, RolloverView } from "../views.ts";
import { decodeAnswer, encodeAnswer, type OfflineAnswer } from "./answer.ts";
import { type OfflineNeed, offlineNeed } from "./asked.ts";
import { authoritySteps, certificateWrites, type Import, importedSuccession } from "./imported.ts";
import { findOfflineRequest } from "./kept-request.ts";
import { base64Of, invalid } from "./members.ts";
import { requestDigest } from "./request.ts";
import { verifyAnswer } from "./verification.ts";

/** Critical operation `authorityUse`. */
export interface ImportRequest extends RolloverRequest {
  /** Digest of the request that the people who approve have compared, so that it stands in the approval. */
  readonly requestSha256: string;
  readonly answer: OfflineAnswer;
}

/** A file of the store's: an item holds 400,000 octets. */
const maximumCharacters = 350_000;

function stateInvalid(message: string): AppError {
  return new AppError("ceremony_state_invalid", message);
}

/** @throws AppError ceremony_state_invalid: none, over, or answered; ceremony_invalid: another one. */
function assertAsked(
  found: Stored<OfflineRequestRecord> | undefined,
  answer: OfflineAnswer,
  now: number,
): asserts found is Stored<OfflineRequestRecord> {
  if (found === undefined) throw stateInvalid("no request was made for this rollover; fetch it first");
  const [ours, theirs] = [found.value.sha256, requestDigest(answer.request)];
  if (ours !== theirs)
    throw invalid(`the answer is for request ${theirs}, and ${ours} was made here; sign the one that was`);
  if (found.value.answeredAt !== undefined)
    throw stateInvalid("the answer to this request was imported before");
  if (found.value.expiresAt <= now)
    throw stateInvalid("the request is over; fetch the new one and sign that");
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
  return {
    ...common,
    mode: "offline",
    state: "done",
    closesAt: now,
    signedAt: now,
    returnedAt: now,
    endedAt: now,
  };
}

interface Taken {
  readonly rollover: Stored<RolloverRecord>;
  readonly need: OfflineNeed;
  readonly it: Import;
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

function documentSteps(
  app: RevocationApp,
  request: ImportRequest,
  asked: Stored<OfflineRequestRecord>,
  ceremonyId: string,
) {
  const { caller, answer, rolloverId } = request;
  const importedAt = app.clock.now();
  const document = encodeAnswer(answer);
  if (document.length > maximumCharacters)
    throw invalid(`the answer has ${document.length} characters, limit ${maximumCharacters}`);
  const kept: OfflineAnswerRecord = {
    ...{
      fleet: caller.fleet,
      rolloverId,
      requestSha256: asked.value.sha256,
      document,
      ceremonyId,
      importedAt,
    },
    importedBy: caller.actor,
  };
  const answered = { ...asked.value, answeredAt: importedAt };
  const steps: readonly Step[] = [
    {
      write: { put: offlineRequestItem(answered), when: asked.version },
      lost: () =>
        stateInvalid("the answer to this request was imported before, or the request is another by now"),
    },
    { write: { put: offlineAnswerItem(kept), when: "absent" } },
  ];
  return steps;
}

function ceremonySteps(app: RevocationApp, ceremony: CeremonyRecord): readonly Step[] {
  const { fleet, ceremonyId, createdBy: actor, state } = ceremony;
  const action = state === "done" ? "ceremony.ended" : "ceremony.approved";
  const act = { fleet, action, actor, subject: ceremonyId, result: "success", reason: "offline" } as const;
  return [{ write: { put: ceremonyItem(ceremony), when: "absent" } }, { write: auditEntry(app, act) }];
}

/**
 * Verifies the answer in all its parts and takes it in, spending the approval: all or nothing. The lists and the
 * transcript are put in their places by the ceremony's task, which is started.
 * @throws AppError not_found; approval_mismatch, approval_spent; ceremony_invalid: a signature, a certificate, a list or
 * the transcript is not what it must be, or the answer is for another request; ceremony_state_invalid: nothing is asked,
 * it was answered, or is over; rollover_state_invalid: changed meanwhile; authority_unavailable, key_offline.
 */
export async function importOffline(app: RevocationApp, request: ImportRequest): Promise<RolloverView> {
  assertApproved(request.approval, "authorityUse");
  const answer = decodeAnswer(request.answer);
  const { caller, rolloverId, requestSha256 } = request;
  if (requestDigest(answer.request) !== requestSha256)
    throw invalid(
      "requestSha256 is not the digest of the answer's request; give what both machines have shown",
    );
  const rollover = await findRollover(app, { fleet: caller.fleet, rolloverId });
  const asked = await findOfflineRequest(app, caller.fleet, rolloverId);
  assertAsked(asked, answer, app.clock.now());
  const fleet = await getFleet(app, caller.fleet);
  const need = offlineNeed(fleet, rollover.value);
  assertNeeded(need, answer);
  const ceremonyId = drawId(app, app.clock.now());
  const { keyId } = asked.value;
  const it: Import = {
    ...{ fleet, rollover: rollover.value, ceremonyId, verified: await verifyAnswer(answer) },
    ...(keyId === undefined ? {} : { keyId }),
  };
  const { record, steps } = await rolloverSteps(app, { rollover, need, it }, caller.actor);
  const ceremony = ceremonyOf(app, request, ceremonyId, awaitsRoot(need, rollover.value));
  await executeSteps(app, request.approval, [
    ...documentSteps(app, { ...request, answer }, asked, ceremonyId),
    ...steps,
    ...certificateWrites(app, it).map((write) => ({ write })),
    ...ceremonySteps(app, ceremony),
  ]);
  await wake(app, ceremony.state === "done" ? "ceremony" : "rotate");
  await wake(app, "publish");
  return rolloverView(app, record);
}
