/**
 * Room: adapters/aws. The requests of the KMS API by which keys are lent, destroyed and kept from it, one function each.
 */
import {
  CancelKeyDeletionCommand,
  CreateGrantCommand,
  EnableKeyCommand,
  type KMSClient,
  RevokeGrantCommand,
  ScheduleKeyDeletionCommand,
} from "@aws-sdk/client-kms";
import { AppError } from "../../../core/errors.ts";
import type { KeyLoan } from "../../../core/ports.ts";
import { ask, disabledNames, keyDisabled, unlessRefused } from "./key-state.ts";

/** When the key will be destroyed; undefined when KMS says that its state forbids it, as when that is scheduled already. */
export async function scheduleDeletion(
  client: KMSClient,
  key: string,
  days: number,
): Promise<Date | undefined> {
  const command = new ScheduleKeyDeletionCommand({ KeyId: key, PendingWindowInDays: days });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const call = ask({ permission: "kms:ScheduleKeyDeletion", key, send });
  return unlessRefused(
    call.then(({ DeletionDate }) => DeletionDate),
    ["KMSInvalidStateException"],
    () => undefined,
  );
}

/** The key is disabled then. Somebody else's cancellation that came first is as good. */
export async function cancelDeletion(client: KMSClient, key: string): Promise<void> {
  const command = new CancelKeyDeletionCommand({ KeyId: key });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const call = ask({ permission: "kms:CancelKeyDeletion", key, send });
  await unlessRefused(
    call.then(() => undefined),
    ["KMSInvalidStateException"],
    () => undefined,
  );
}

/** Waits out that the end of a deletion is not known everywhere yet. */
export async function enableKey(client: KMSClient, key: string): Promise<void> {
  const command = new EnableKeyCommand({ KeyId: key });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  await ask({ permission: "kms:EnableKey", key, send, late: ["KMSInvalidStateException"] });
}

/** A grant of kms:Sign alone. KMS gives the grant that exists for a request that is the same, its name included. */
export async function createGrant(
  client: KMSClient,
  key: string,
  name: string,
  grantee: string,
): Promise<KeyLoan> {
  const permission = "kms:CreateGrant";
  const command = new CreateGrantCommand({
    KeyId: key,
    Name: name,
    GranteePrincipal: grantee,
    Operations: ["Sign"],
  });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const call = ask({ permission, key, send });
  const { GrantId: loanId, GrantToken: token } = await unlessRefused(call, disabledNames, (cause) => {
    throw keyDisabled(permission, key, cause.cause);
  });
  if (loanId !== undefined && token !== undefined) return { loanId, token };
  throw new AppError("key_service_unavailable", `${permission} on ${key}: no grant in the answer`);
}

/** A grant that is not found is waited for a little while, since one made just now may not be known everywhere. */
export async function revokeGrant(client: KMSClient, key: string, grantId: string): Promise<void> {
  const command = new RevokeGrantCommand({ KeyId: key, GrantId: grantId });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const call = ask({ permission: "kms:RevokeGrant", key, send, exists: true });
  await unlessRefused(
    call.then(() => undefined),
    ["NotFoundException"],
    () => undefined,
  );
}
