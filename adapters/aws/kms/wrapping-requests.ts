/**
 * Room: adapters/aws. The requests of the KMS API by which a symmetric key wraps other keys, one function each, and what
 * its refusals mean there. The key is always named: KMS would else try the one that the ciphertext names.
 */
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  ReEncryptCommand,
} from "@aws-sdk/client-kms";
import { AppError } from "../../../core/errors.ts";
import type { EncryptionContext, WrappedKey } from "../../../core/ports.ts";
import { ask } from "./key-state.ts";
import type { KmsRequest } from "./patience.ts";
import { refusalName } from "./refusals.ts";
import { checkAnswerer } from "./requests.ts";

/** KMS API reference, Decrypt: CiphertextBlob. */
const largestCiphertext = 6_144;

export function unreadable(): AppError {
  return new AppError(
    "data_unreadable",
    "the data cannot be read: not of this fleet and context, or changed",
  );
}

/** Without a cause: KMS's own text tells apart what the caller may not tell apart. */
const unreadableNames = new Set(["InvalidCiphertextException", "IncorrectKeyException"]);

/** Of a key whose absence from use is somebody's decision: no retry helps. */
const disabledMeanings: Readonly<Record<string, string>> = {
  DisabledException: "the key is disabled; enable it in KMS, and what it wrapped is readable again",
  KMSInvalidStateException:
    "the key's state forbids it, as when its deletion is scheduled; cancel the deletion within its waiting time and enable the key",
};

/** @throws AppError data_unreadable, key_disabled, and those of `refusalOf`. */
async function askToWrap<Result>(request: KmsRequest<Result>): Promise<Result> {
  try {
    return await ask(request);
  } catch (error) {
    const name = error instanceof AppError ? refusalName(error.cause) : "";
    if (unreadableNames.has(name)) throw unreadable();
    const meaning = Object.hasOwn(disabledMeanings, name) ? disabledMeanings[name] : undefined;
    if (meaning === undefined) throw error;
    const cause = error instanceof AppError ? error.cause : error;
    throw new AppError("key_disabled", `${request.permission} on ${request.key}: ${meaning}`, { cause });
  }
}

/** A copy for whoever asked; the SDK's own is overwritten. */
function taken(permission: string, key: string, plaintext: Uint8Array | undefined): Buffer {
  if (plaintext === undefined) throw noOctets(permission, key);
  const copy = Buffer.alloc(plaintext.length);
  copy.set(plaintext);
  plaintext.fill(0);
  return copy;
}

function noOctets(permission: string, key: string): AppError {
  const message = `${permission} on ${key}: no octets in the answer; look at the endpoint that answers`;
  return new AppError("key_service_unavailable", message, { retryAfter: 60 });
}

/** What no ciphertext of KMS is: no request is spent on it. */
function checkCiphertext(wrapped: Uint8Array): void {
  if (wrapped.length < 1 || wrapped.length > largestCiphertext) throw unreadable();
}

/** 32 fresh random octets of KMS. */
export async function generateDataKey(
  client: KMSClient,
  key: string,
  context: EncryptionContext,
): Promise<WrappedKey & { readonly plaintext: Buffer }> {
  const permission = "kms:GenerateDataKey";
  const command = new GenerateDataKeyCommand({
    KeyId: key,
    KeySpec: "AES_256",
    EncryptionContext: { ...context },
  });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const { KeyId, CiphertextBlob: wrapped, Plaintext } = await askToWrap({ permission, key, send });
  const plaintext = taken(permission, key, Plaintext);
  try {
    checkAnswerer(permission, key, KeyId);
    if (wrapped === undefined) throw noOctets(permission, key);
    return { keyId: key, wrapped, plaintext };
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}

export async function decrypt(
  client: KMSClient,
  { keyId: key, wrapped }: WrappedKey,
  context: EncryptionContext,
): Promise<Buffer> {
  checkCiphertext(wrapped);
  const permission = "kms:Decrypt";
  const command = new DecryptCommand({
    KeyId: key,
    CiphertextBlob: wrapped,
    EncryptionContext: { ...context },
  });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const { KeyId, Plaintext } = await askToWrap({ permission, key, send });
  const plaintext = taken(permission, key, Plaintext);
  try {
    checkAnswerer(permission, key, KeyId);
    return plaintext;
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}

/** @param to ARN of the key that wraps from now on. */
export async function reEncrypt(
  client: KMSClient,
  { keyId: from, wrapped }: WrappedKey,
  to: string,
  contexts: { readonly from: EncryptionContext; readonly to: EncryptionContext },
): Promise<WrappedKey> {
  checkCiphertext(wrapped);
  const permission = "kms:ReEncrypt";
  const command = new ReEncryptCommand({
    CiphertextBlob: wrapped,
    SourceKeyId: from,
    SourceEncryptionContext: { ...contexts.from },
    DestinationKeyId: to,
    DestinationEncryptionContext: { ...contexts.to },
  });
  const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
  const key = from === to ? from : `${from} to ${to}`;
  const { KeyId, SourceKeyId, CiphertextBlob } = await askToWrap({ permission, key, send });
  checkAnswerer(permission, from, SourceKeyId);
  checkAnswerer(permission, to, KeyId);
  if (CiphertextBlob === undefined) throw noOctets(permission, key);
  return { keyId: to, wrapped: CiphertextBlob };
}
