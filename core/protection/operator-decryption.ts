/**
 * Room: core/protection. Break-glass: an operator reads one message in an emergency. First the wish, which tells others;
 * then the reading, once, with an MFA assertion over it, which tells them again. Nothing is shown that is not on record
 * and told.
 */
import { type ApprovedOperation, executeApproved } from "../access/approval.ts";
import type { OperatorCaller } from "../access/caller.ts";
import { canonicalJson } from "../access/operation.ts";
import { auditEntry } from "../audit/entry.ts";
import { AppError, isAppError } from "../errors.ts";
import { type ContextRequest, encryptionContext, isSameContext } from "../policy/encryption-context.ts";
import type { ProtectionApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type OperatorDecryptionRecord,
  operatorDecryptionItem,
} from "../records/operator-decryption-record.ts";
import { accessPeriods } from "../standard/access.ts";
import { protectionStandard } from "../standard/protection.ts";
import { openMessage } from "./decrypt.ts";
import {
  contextOf,
  findOperatorDecryption,
  type OperatorDecryptionView,
  operatorDecryptionView,
  reasonPlace,
} from "./operator-decryption-view.ts";
import { drawKeepingId } from "./safekeeping-list.ts";
import { sealField } from "./sealed-field.ts";
import { unreadable } from "./unreadable.ts";

export {
  getOperatorDecryption,
  listOperatorDecryptions,
  type OperatorDecryptionView,
} from "./operator-decryption-view.ts";

export interface ReadingWish {
  readonly caller: OperatorCaller;
  readonly context: ContextRequest;
  readonly message: Buffer;
  /** In the person's own words; it is kept sealed. */
  readonly reason: string;
}

export interface OperatorReadingRequest {
  readonly caller: OperatorCaller;
  /** Of `operatorDecryption`. */
  readonly approval: ApprovedOperation;
  readonly decryptionId: string;
}

export interface OperatorReading {
  readonly decryption: OperatorDecryptionView;
  /** The caller overwrites it. */
  readonly plaintext: Buffer;
}

const { operatorMessageBytes, reasonCharacters } = protectionStandard;
const { seconds: wishSeconds } = accessPeriods.approval;

function checkWish({ message, reason }: ReadingWish): void {
  if (message.byteLength > operatorMessageBytes)
    throw new AppError(
      "request_too_large",
      `message has ${message.byteLength} octets, limit ${operatorMessageBytes}; have a backend read larger ones`,
    );
  const length = [...reason].length;
  if (length >= 1 && length <= reasonCharacters && reason.trim() !== "") return;
  throw new AppError(
    "request_invalid",
    `reason has ${length} characters, limit 1 to ${reasonCharacters}; say why it is read`,
  );
}

function tell(app: ProtectionApp, event: string, record: OperatorDecryptionRecord): Promise<void> {
  const { fleet, decryptionId: subject } = record;
  return app.notifier.notify({ event, severity: "critical", fleet, subject });
}

function entry(
  app: ProtectionApp,
  action: "data.read-requested" | "data.read-by-operator",
  { fleet, decryptionId: subject }: OperatorDecryptionRecord,
  actor: string,
): WriteOperation {
  return auditEntry(app, { fleet, action, actor, subject, result: "success" });
}

/**
 * Tells others of the wish and keeps it; nothing is opened. Good for the one who asks, for 15 minutes. They are told
 * first: a wish that nobody heard of could be found in the list and read.
 * @throws AppError request_invalid, request_too_large, name_not_permitted (context); data_unreadable (no message of that
 * context by its own word); key_disabled, key_service_unavailable, notifier_unavailable: nothing is kept.
 */
export async function requestOperatorDecryption(
  app: ProtectionApp,
  wish: ReadingWish,
): Promise<OperatorDecryptionView> {
  checkWish(wish);
  const { caller, message, reason } = wish;
  const { fleet } = caller;
  const context = encryptionContext(fleet, wish.context);
  if (!isSameContext(app.cipher.headerOf(message).context, context)) throw unreadable();
  const requestedAt = app.clock.now();
  const decryptionId = drawKeepingId(app, requestedAt);
  const record: OperatorDecryptionRecord = {
    fleet,
    decryptionId,
    state: "requested",
    operatorId: caller.subjectId,
    context: canonicalJson(context),
    message,
    sealedReason: await sealField(app, reasonPlace({ fleet, decryptionId }), reason),
    requestedAt,
  };
  await tell(app, "data.read-requested", record);
  await app.items.transact([
    { put: operatorDecryptionItem(record), when: "absent" },
    entry(app, "data.read-requested", record, caller.actor),
  ]);
  return operatorDecryptionView(record, reason);
}

function assertReadable(app: ProtectionApp, record: OperatorDecryptionRecord, caller: OperatorCaller): void {
  if (record.operatorId !== caller.subjectId)
    throw new AppError("access_denied", "another operator asked to read this; ask for a reading of your own");
  if (record.state !== "requested")
    throw new AppError("job_state_invalid", "it was read before, and is shown once; ask again");
  if (app.clock.now() - record.requestedAt < wishSeconds * 1000) return;
  throw new AppError(
    "job_state_invalid",
    `the request is older than ${wishSeconds} s, the limit; ask again, so that others hear of it now`,
  );
}

/** The octets, opened before the approval is spent on what nobody can open. */
function open(app: ProtectionApp, record: OperatorDecryptionRecord, caller: OperatorCaller): Promise<Buffer> {
  const context = contextOf(record);
  const { purpose = "", subject = "" } = context;
  const data = { fleet: record.fleet, purpose, subject, context };
  return openMessage(app, caller, data, Buffer.from(record.message));
}

async function recorded(
  app: ProtectionApp,
  { caller, approval }: OperatorReadingRequest,
  { value, version }: Stored<OperatorDecryptionRecord>,
): Promise<OperatorDecryptionRecord> {
  const { approvalId } = approval;
  const record = { ...value, state: "read", readAt: app.clock.now(), approvalId } as const;
  try {
    await executeApproved(app, approval, [
      { put: operatorDecryptionItem(record), when: version },
      entry(app, "data.read-by-operator", record, caller.actor),
    ]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    throw new AppError("job_state_invalid", "it was read at the same moment, and is shown once; ask again");
  }
  await tell(app, "data.read-by-operator", record);
  return record;
}

/**
 * The message in the clear, once. It is opened, put on record with the approval that it spends, told to others, and then
 * shown; whatever fails, nothing is shown.
 * @throws AppError not_found, access_denied (another's wish), job_state_invalid (read, or too old), data_unreadable (the
 * approval is still good after these), approval_mismatch, approval_spent, notifier_unavailable, key_disabled,
 * key_service_unavailable.
 */
export async function readAsOperator(
  app: ProtectionApp,
  request: OperatorReadingRequest,
): Promise<OperatorReading> {
  const { caller, approval, decryptionId } = request;
  if (approval.critical !== "operatorDecryption")
    throw new AppError("approval_mismatch", "the approval is for another operation; ask for one for this");
  const found = await findOperatorDecryption(app, { fleet: caller.fleet, decryptionId });
  assertReadable(app, found.value, caller);
  const plaintext = await open(app, found.value, caller);
  try {
    const record = await recorded(app, request, found);
    return { decryption: operatorDecryptionView(record), plaintext };
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}
