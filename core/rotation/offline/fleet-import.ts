/**
 * Room: core/rotation. Takes in what the fleet's offline root has signed though no rollover is under way: the next signer
 * of trust manifests, its list. The ceremony's task, which is started, lets the signer sign and puts the list in its place.
 */
import { executeSteps } from "../../access/approval.ts";
import { type Fleet, getFleet } from "../../authority/issuer.ts";
import { signerIn, trustSigners } from "../../distribution/known-signers.ts";
import type { RevocationApp } from "../../ports.ts";
import type { CeremonyRecord } from "../../records/ceremony-record.ts";
import { wake } from "../../revocation/wake.ts";
import { ceremonyView } from "../ceremony.ts";
import { drawId } from "../rollover-store.ts";
import type { CeremonyView } from "../views.ts";
import type { OfflineAnswer } from "./answer.ts";
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
import { certificateWrites, type Import } from "./imported.ts";
import { signerSteps } from "./imported-signer.ts";
import { base64Of } from "./members.ts";
import { offlineRoot } from "./signer-need.ts";
import { verifyAnswer } from "./verification.ts";

function assertRoot(fleet: Fleet, { request }: OfflineAnswer): void {
  const root = offlineRoot(fleet);
  if (root !== undefined && request.authorities[0]?.certificate === base64Of(root.record.certificate)) return;
  throw stateInvalid("the fleet's root has changed since the request was made; fetch the new one");
}

/** The signer that is to be replaced, as ceremonies with a root in the key service have it. */
async function subjectOf(app: RevocationApp, { fleet, purpose }: OfflineAnswer["request"]) {
  if (purpose !== "signer") return { purpose: "rootList" } as const;
  const active = signerIn(await trustSigners(app, fleet), "active")?.value.signerId;
  return { purpose: "trustSigner", ...(active === undefined ? {} : { signerId: active }) } as const;
}

/**
 * Verifies the answer in all its parts and takes it in, spending the approval: all or nothing.
 * @throws AppError not_found (fleet); approval_mismatch, approval_spent; ceremony_invalid: a signature, a certificate, a
 * list or the transcript is not what it must be, or the answer is for another request; ceremony_state_invalid: nothing
 * is asked, it was answered, or is over; the root or the signers have changed.
 */
export async function importFleetAnswer(app: RevocationApp, request: AnswerImport): Promise<CeremonyView> {
  const answer = approvedAnswer(request);
  const { caller, approval } = request;
  const { fleet: name, actor } = caller;
  const fleet = await getFleet(app, name);
  const asked = await askedRequest(app, name, undefined, answer);
  assertRoot(fleet, answer);
  const now = app.clock.now();
  const ceremonyId = drawId(app, now);
  const it: Import = { fleet, ceremonyId, verified: await verifyAnswer(answer), ...keysOf(asked.value) };
  const ceremony: CeremonyRecord = {
    ...{ fleet: name, ceremonyId, approvalId: approval.approvalId, createdAt: now, createdBy: actor },
    ...(await subjectOf(app, answer.request)),
    ...heldOffline(now),
  };
  await executeSteps(app, approval, [
    ...documentSteps(app, actor, answer, asked, ceremonyId),
    ...(await signerSteps(app, it)),
    ...certificateWrites(app, it).map((write) => ({ write })),
    ...ceremonySteps(app, ceremony),
  ]);
  await wake(app, "ceremony");
  await wake(app, "publish");
  return ceremonyView(ceremony);
}
