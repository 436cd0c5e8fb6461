/**
 * Room: adapters/aws. What DescribeKey says of a key, as the ports put it, and who asks for it.
 */
import {
  DescribeKeyCommand,
  type KeyMetadata,
  type KMSClient,
  type KeyState as KmsKeyState,
} from "@aws-sdk/client-kms";
import { AppError } from "../../../core/errors.ts";
import type { KeyCondition, KeyState } from "../../../core/ports.ts";
import { type KmsRequest, patiently, withinDeadline } from "./patience.ts";
import { refusalName } from "./refusals.ts";

export type StateOfKey = Omit<KeyState, "keyId">;

/** KMS developer guide, Key states. What is neither usable nor on its way out, or new to us, counts as out of reach. */
const conditions: Readonly<Record<KmsKeyState, KeyCondition>> = {
  Enabled: "enabled",
  Disabled: "disabled",
  PendingDeletion: "pendingDeletion",
  PendingReplicaDeletion: "pendingDeletion",
  Creating: "unavailable",
  PendingImport: "unavailable",
  Unavailable: "unavailable",
  Updating: "unavailable",
};

/** One request, with the patience and the deadline that all have. */
export function ask<Result>(request: KmsRequest<Result>): Promise<Result> {
  return withinDeadline((signal) => patiently(request, signal));
}

/** @param key ARN, key id or alias. @throws AppError key_not_found, key_service_unavailable. */
export async function describeKey(client: KMSClient, key: string): Promise<KeyMetadata> {
  const permission = "kms:DescribeKey";
  const command = new DescribeKeyCommand({ KeyId: key });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const { KeyMetadata: metadata } = await ask({ permission, key, send });
  if (metadata !== undefined) return metadata;
  throw new AppError("key_service_unavailable", `${permission} on ${key}: no description in the answer`);
}

export function stateOfKey({ KeyState, CreationDate, DeletionDate }: KeyMetadata): StateOfKey {
  const condition =
    KeyState !== undefined && Object.hasOwn(conditions, KeyState) ? conditions[KeyState] : "unavailable";
  const state = { condition, createdAt: CreationDate?.getTime() ?? 0 };
  if (condition !== "pendingDeletion" || DeletionDate === undefined) return state;
  return { ...state, deletionAt: DeletionDate.getTime() };
}

/** Runs `call`; its AppError gives way to another one where KMS refused by one of `names`. */
export async function unlessRefused<Result>(
  call: Promise<Result>,
  names: readonly string[],
  otherwise: (cause: AppError) => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof AppError && names.includes(refusalName(error.cause))) return otherwise(error);
    throw error;
  }
}

/** Names by which KMS refuses what a key that is disabled, or to be destroyed, cannot do. */
export const disabledNames = ["DisabledException", "KMSInvalidStateException"] as const;

export function keyDisabled(permission: string, key: string, cause: unknown): AppError {
  const message = `${permission} on ${key}: the key is disabled or to be destroyed; cancel its deletion, or enable it`;
  return new AppError("key_disabled", message, { cause });
}
