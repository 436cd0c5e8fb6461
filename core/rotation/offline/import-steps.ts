/** Room: core/rotation. What every import of an answer checks and writes, for a rollover or for the fleet itself. */
import type { ApprovedOperation } from "../../access/approval.ts";
import type { OperatorCaller } from "../../access/caller.ts";
import type { Step } from "../../access/steps.ts";
import { auditEntry } from "../../audit/entry.ts";
import { AppError } from "../../errors.ts";
import type { KeylessApp, RevocationApp } from "../../ports.ts";
import { type CeremonyRecord, ceremonyItem } from "../../records/ceremony-record.ts";
import type { Stored } from "../../records/certificate-record.ts";
import {
  type OfflineAnswerRecord,
  type OfflineRequestRecord,
  offlineAnswerItem,
  offlineRequestItem,
} from "../../records/offline-record.ts";
import { assertApproved } from "../approved.ts";
import { decodeAnswer, encodeAnswer, type OfflineAnswer } from "./answer.ts";
import { findOfflineRequest } from "./kept-request.ts";
import { invalid } from "./members.ts";
import { requestDigest } from "./request.ts";

/** Critical operation `authorityUse`. */
export interface AnswerImport {
  readonly caller: OperatorCaller;
  readonly approval: ApprovedOperation;
  /** Digest of the request that the people who approve have compared, so that it stands in the approval. */
  readonly requestSha256: string;
  readonly answer: OfflineAnswer;
}

/** A file of the store's: an item holds 400,000 octets. */
const maximumCharacters = 350_000;

export function stateInvalid(message: string): AppError {
  return new AppError("ceremony_state_invalid", message);
}

/** @throws AppError ceremony_state_invalid: none, over, or answered; ceremony_invalid: another one. */
function assertAsked(
  found: Stored<OfflineRequestRecord> | undefined,
  answer: OfflineAnswer,
  now: number,
): asserts found is Stored<OfflineRequestRecord> {
  if (found === undefined) throw stateInvalid("no such request was made; fetch it first");
  const [ours, theirs] = [found.value.sha256, requestDigest(answer.request)];
  if (ours !== theirs)
    throw invalid(`the answer is for request ${theirs}, and ${ours} was made here; sign the one that was`);
  if (found.value.answeredAt !== undefined)
    throw stateInvalid("the answer to this request was imported before");
  if (found.value.expiresAt <= now)
    throw stateInvalid("the request is over; fetch the new one and sign that");
}

/** The answer, read strictly, whose approval is for it. @throws AppError approval_mismatch, ceremony_invalid. */
export function approvedAnswer({ approval, answer, requestSha256 }: AnswerImport): OfflineAnswer {
  assertApproved(approval, "authorityUse");
  const read = decodeAnswer(answer);
  if (requestDigest(read.request) === requestSha256) return read;
  throw invalid(
    "requestSha256 is not the digest of the answer's request; give what both machines have shown",
  );
}

/**
 * The request that was made here, which `answer` is for.
 * @param rolloverId Undefined: the fleet's own.
 * @throws AppError ceremony_state_invalid, ceremony_invalid.
 */
export async function askedRequest(
  app: KeylessApp,
  fleet: string,
  rolloverId: string | undefined,
  answer: OfflineAnswer,
): Promise<Stored<OfflineRequestRecord>> {
  const found = await findOfflineRequest(app, fleet, rolloverId);
  assertAsked(found, answer, app.clock.now());
  return found;
}

/** The request is answered, for good, and the answer kept. @throws AppError ceremony_invalid: it is too long. */
export function documentSteps(
  app: RevocationApp,
  actor: string,
  answer: OfflineAnswer,
  asked: Stored<OfflineRequestRecord>,
  ceremonyId: string,
): readonly Step[] {
  const importedAt = app.clock.now();
  const { fleet, rolloverId, sha256: requestSha256 } = asked.value;
  const document = encodeAnswer(answer);
  if (document.length > maximumCharacters)
    throw invalid(`the answer has ${document.length} characters, limit ${maximumCharacters}`);
  const kept: OfflineAnswerRecord = {
    ...{ fleet, requestSha256, document, ceremonyId, importedAt, importedBy: actor },
    ...(rolloverId === undefined ? {} : { rolloverId }),
  };
  return [
    {
      write: { put: offlineRequestItem({ ...asked.value, answeredAt: importedAt }), when: asked.version },
      lost: () =>
        stateInvalid("the answer to this request was imported before, or the request is another by now"),
    },
    { write: { put: offlineAnswerItem(kept), when: "absent" } },
  ];
}

export function ceremonySteps(app: RevocationApp, ceremony: CeremonyRecord): readonly Step[] {
  const { fleet, ceremonyId, createdBy: actor, state } = ceremony;
  const action = state === "done" ? "ceremony.ended" : "ceremony.approved";
  const act = { fleet, action, actor, subject: ceremonyId, result: "success", reason: "offline" } as const;
  return [{ write: { put: ceremonyItem(ceremony), when: "absent" } }, { write: auditEntry(app, act) }];
}

/** A ceremony that another machine has held. */
export function heldOffline(
  now: number,
): Pick<CeremonyRecord, "mode" | "state" | "closesAt" | "signedAt" | "returnedAt" | "endedAt"> {
  return { mode: "offline", state: "done", closesAt: now, signedAt: now, returnedAt: now, endedAt: now };
}

/** The keys that the request was made with, by the key service's names. */
export const keysOf = ({ keyId, signerKeyId }: OfflineRequestRecord) => ({
  ...(keyId === undefined ? {} : { keyId }),
  ...(signerKeyId === undefined ? {} : { signerKeyId }),
});
