/**
 * Room: adapters/aws. The requests of the KMS API that this deployment makes, one function each.
 */
import {
  CreateAliasCommand,
  CreateKeyCommand,
  GetPublicKeyCommand,
  type GetPublicKeyCommandOutput,
  type KMSClient,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from "@aws-sdk/client-kms";
import { AppError } from "../../../core/errors.ts";
import type { KeyName } from "./key-name.ts";
import { type KmsKeyRow, kmsKeyRows } from "./key-rows.ts";
import type { MessageForm } from "./message-form.ts";
import { patiently, withinDeadline } from "./patience.ts";

export interface Kms {
  readonly client: KMSClient;
  readonly grantTokens: readonly string[];
}

const tokens = ({ grantTokens }: Kms): { readonly GrantTokens?: string[] } =>
  grantTokens.length === 0 ? {} : { GrantTokens: [...grantTokens] };

/** One kms:Sign. @throws AppError as the port says. */
export async function sign(
  kms: Kms,
  key: KeyName,
  form: MessageForm,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const row: KmsKeyRow = kmsKeyRows[key.algorithm];
  const command = new SignCommand({
    KeyId: key.arn,
    SigningAlgorithm: row.signingAlgorithm,
    ...form,
    ...tokens(kms),
  });
  const send = (abortSignal: AbortSignal) => kms.client.send(command, { abortSignal });
  const answer = await patiently({ permission: "kms:Sign", key: key.arn, send }, signal);
  checkAnswerer("kms:Sign", key.arn, answer.KeyId);
  return answer.Signature ?? new Uint8Array(0);
}

/** @throws AppError key_service_unavailable when another key has answered than the one that was asked. */
export function checkAnswerer(permission: string, asked: string, answerer: string | undefined): void {
  if (answerer === asked) return;
  throw new AppError(
    "key_service_unavailable",
    `${permission} on ${asked}: ${answerer ?? "no key"} has answered; look at the endpoint that answers`,
    { retryAfter: 60 },
  );
}

/**
 * @param key ARN or alias.
 * @param exists True for what is known to be there: an absence is waited for, a little while.
 */
export async function getPublicKey(
  kms: Kms,
  key: string,
  exists = false,
): Promise<GetPublicKeyCommandOutput> {
  const permission = "kms:GetPublicKey";
  const command = new GetPublicKeyCommand({ KeyId: key, ...tokens(kms) });
  const send = (abortSignal: AbortSignal) => kms.client.send(command, { abortSignal });
  const answer = await withinDeadline((signal) => patiently({ permission, key, send, exists }, signal));
  if (key.startsWith("arn:")) checkAnswerer(permission, key, answer.KeyId);
  return answer;
}

/** The ARN of a new key, whose description and tags name its alias and nothing else. */
export async function createKey(kms: Kms, row: KmsKeyRow, alias: string): Promise<string> {
  const command = new CreateKeyCommand({
    KeySpec: row.keySpec,
    KeyUsage: "SIGN_VERIFY",
    Description: `Fleetkey signing key ${alias}`,
    Tags: [{ TagKey: "fleetkey:alias", TagValue: alias }],
  });
  const send = (abortSignal: AbortSignal) => kms.client.send(command, { abortSignal });
  const request = { permission: "kms:CreateKey", key: alias, send };
  const arn = (await withinDeadline((signal) => patiently(request, signal))).KeyMetadata?.Arn;
  if (arn !== undefined) return arn;
  throw new AppError("key_service_unavailable", `kms:CreateKey for ${alias}: no ARN in the answer`);
}

/** @throws what the SDK throws: the caller tells an alias that exists from a failure. */
export async function createAlias(kms: Kms, alias: string, arn: string): Promise<void> {
  const command = new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn });
  await withinDeadline((abortSignal) => kms.client.send(command, { abortSignal }));
}

/** In seven days, the shortest wait that KMS takes; a person can cancel it until then. */
export async function scheduleKeyDeletion(kms: Kms, arn: string): Promise<void> {
  const command = new ScheduleKeyDeletionCommand({ KeyId: arn, PendingWindowInDays: 7 });
  await withinDeadline((abortSignal) => kms.client.send(command, { abortSignal }));
}
