/** Room: protect. Messages of the AWS Encryption SDK, made where the data is. */
import { AlgorithmSuiteIdentifier, buildClient, CommitmentPolicy } from "@aws-crypto/client-node";
import { messageStructure, signatureMember } from "../adapters/encryption/message-structure.ts";
import { unreadable } from "../adapters/encryption/unreadable.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { isSameContext } from "../core/policy/encryption-context.ts";
import type { EncryptionContext } from "../core/protection-values.ts";
import { protectionStandard } from "../core/standard/protection.ts";
import type { BoundedMaterials } from "./bounded-materials.ts";

const { frameBytes, encryptedDataKeys } = protectionStandard.message;

const client = buildClient({
  commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
  maxEncryptedDataKeys: encryptedDataKeys,
});
const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;

/** @throws AppError: of the keys; internal (the SDK's own failure). */
export async function encryptMessage(
  materials: BoundedMaterials,
  plaintext: Uint8Array,
  context: EncryptionContext,
): Promise<Buffer> {
  try {
    const options = { suiteId, encryptionContext: { ...context }, frameLength: frameBytes };
    return (await client.encrypt(materials, plaintext, options)).result;
  } catch (failure) {
    if (isAppError(failure)) throw failure;
    // No cause: the SDK's messages quote contexts.
    throw new AppError("internal", "the AWS Encryption SDK did not encrypt; try again");
  }
}

/**
 * The caller overwrites what it gets.
 * @throws AppError data_unreadable, in one text for every reason; of the keys: that they cannot be used now.
 */
export async function decryptMessage(
  materials: BoundedMaterials,
  message: Uint8Array,
  context: EncryptionContext,
): Promise<Buffer> {
  // Nobody is asked for the key of a message that is not whole, or says itself that it is another's.
  if (!isSameContext(messageStructure(message).context, context)) throw unreadable();
  try {
    const { plaintext, messageHeader } = await client.decrypt(materials, message);
    const { [signatureMember]: _, ...authenticated } = messageHeader.encryptionContext;
    if (isSameContext(authenticated, context)) return plaintext;
    plaintext.fill(0);
  } catch (failure) {
    if (isAppError(failure)) throw failure;
  }
  throw unreadable();
}
