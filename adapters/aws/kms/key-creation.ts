/**
 * Room: adapters/aws. A KMS key under an alias, made at most once however many ask at the same time: the alias
 * decides, since KMS gives it to one of them only.
 */
import type { GetPublicKeyCommandOutput } from "@aws-sdk/client-kms";
import { isAppError } from "../../../core/errors.ts";
import type { KmsKeyRow } from "./key-rows.ts";
import { refusalName, refusalOf } from "./refusals.ts";
import { createAlias, createKey, getPublicKey, type Kms, scheduleKeyDeletion } from "./requests.ts";

/** The key that has the alias, or undefined. */
export async function findKey(kms: Kms, alias: string): Promise<GetPublicKeyCommandOutput | undefined> {
  try {
    return await getPublicKey(kms, alias);
  } catch (error) {
    if (isAppError(error, "key_not_found")) return undefined;
    throw error;
  }
}

/** Makes a key and gives it the alias; the key that has the alias when another one was faster. */
export async function makeKey(kms: Kms, row: KmsKeyRow, alias: string): Promise<GetPublicKeyCommandOutput> {
  const arn = await createKey(kms, row, alias);
  try {
    await createAlias(kms, alias, arn);
  } catch (cause) {
    if (refusalName(cause) !== "AlreadyExistsException") {
      // Whether the alias was set is not known, so the key stays: its tag tells people what it was for.
      throw refusalOf("kms:CreateAlias", `${alias} for ${arn}`, cause);
    }
    return settle(kms, alias, arn);
  }
  return getPublicKey(kms, arn, true);
}

/** The alias exists: because another was faster, or because our own first request was carried out unanswered. */
async function settle(kms: Kms, alias: string, arn: string): Promise<GetPublicKeyCommandOutput> {
  const winner = await getPublicKey(kms, alias, true);
  if (winner.KeyId !== arn) {
    // A key without an alias costs money and harms nobody: failing to remove it is no reason to fail.
    await scheduleKeyDeletion(kms, arn).catch(() => undefined);
  }
  return winner;
}
