/** Room: core/protection. What operators asked to read and read, for whoever audits it: never the message. */
import { isoSeconds } from "../enrollment/answer.ts";
import { isAppError } from "../errors.ts";
import type { EncryptionContext, KeylessApp, ProtectionApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type OperatorDecryptionRecord,
  type OperatorDecryptionState,
  operatorDecryptionKey,
  operatorDecryptionPartition,
  operatorDecryptionRecord,
} from "../records/operator-decryption-record.ts";
import { findKeepingItem, type KeepingListRequest, keepingPage } from "./safekeeping-list.ts";
import { openField } from "./sealed-field.ts";

export interface OperatorDecryptionView {
  readonly decryptionId: string;
  readonly state: OperatorDecryptionState;
  readonly operatorId: string;
  readonly context: EncryptionContext;
  /** In the operator's words; absent in lists, and when its key is gone. */
  readonly reason?: string;
  /** ISO 8601, UTC. */
  readonly requestedAt: string;
  readonly readAt?: string;
  readonly approvalId?: string;
}

export interface OperatorDecryptionList {
  readonly operatorDecryptions: readonly OperatorDecryptionView[];
  readonly cursor?: string;
}

export interface OperatorDecryptionRequest {
  readonly fleet: string;
  readonly decryptionId: string;
}

export const reasonPlace = ({ fleet, decryptionId }: OperatorDecryptionRequest) => ({
  fleet,
  kind: "operator-decryption",
  record: decryptionId,
  field: "reason",
});

export const contextOf = ({ context }: OperatorDecryptionRecord): EncryptionContext =>
  JSON.parse(context) as EncryptionContext;

export function operatorDecryptionView(
  record: OperatorDecryptionRecord,
  reason?: string,
): OperatorDecryptionView {
  const { decryptionId, state, operatorId, requestedAt, readAt, approvalId } = record;
  return {
    decryptionId,
    state,
    operatorId,
    context: contextOf(record),
    ...(reason === undefined ? {} : { reason }),
    requestedAt: isoSeconds(requestedAt),
    ...(readAt === undefined ? {} : { readAt: isoSeconds(readAt) }),
    ...(approvalId === undefined ? {} : { approvalId }),
  };
}

/** @throws AppError not_found: also for one of another fleet. */
export async function findOperatorDecryption(
  app: KeylessApp,
  { fleet, decryptionId }: OperatorDecryptionRequest,
): Promise<Stored<OperatorDecryptionRecord>> {
  const remedy = "no reading of this fleet has that id; list them";
  const keyOf = (id: string) => operatorDecryptionKey(fleet, id);
  return operatorDecryptionRecord(await findKeepingItem(app, keyOf, decryptionId, remedy));
}

/** The reason, where its key is still there: a fleet that was shredded keeps the record and loses the words. */
async function reasonOf(app: ProtectionApp, record: OperatorDecryptionRecord): Promise<string | undefined> {
  try {
    return await openField(app, reasonPlace(record), record.sealedReason);
  } catch (error) {
    if (isAppError(error, "key_disabled")) return undefined;
    if (!isAppError(error, "data_unreadable")) throw error;
    // Unless the fleet was shredded, somebody wrote in the store: whoever runs the service is to know.
    const { fleet, decryptionId } = record;
    app.log.warn("reason_not_opened", { fleet, decryptionId, code: error.code });
    return undefined;
  }
}

/** @throws AppError not_found, key_service_unavailable. */
export async function getOperatorDecryption(
  app: ProtectionApp,
  request: OperatorDecryptionRequest,
): Promise<OperatorDecryptionView> {
  const { value } = await findOperatorDecryption(app, request);
  return operatorDecryptionView(value, await reasonOf(app, value));
}

/** The newest first, without their reasons. @throws AppError request_invalid (limit), cursor_invalid. */
export async function listOperatorDecryptions(
  app: KeylessApp,
  { fleet, ...page }: KeepingListRequest,
): Promise<OperatorDecryptionList> {
  const { items, ...rest } = await keepingPage(app, operatorDecryptionPartition(fleet), page);
  const views = items.map((item) => operatorDecryptionView(operatorDecryptionRecord(item).value));
  return { operatorDecryptions: views, ...rest };
}
