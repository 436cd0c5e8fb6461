/** Room: core/protection. Octets in, a message out: a fresh data key for each. */
import { AppError } from "../errors.ts";
import type { EncryptionContext, ProtectionApp } from "../ports.ts";
import { protectionStandard } from "../standard/protection.ts";
import { type DataRequest, dataContext } from "./data-caller.ts";
import { withNewWrapping } from "./wrapping.ts";

export interface EncryptionRequest extends DataRequest {
  readonly plaintext: Buffer;
}

export interface EncryptedData {
  readonly context: EncryptionContext;
  readonly message: Buffer;
}

const { plaintextBytes } = protectionStandard.message;

/** @throws AppError request_too_large. */
export function checkPlaintext(plaintext: Uint8Array): void {
  if (plaintext.byteLength <= plaintextBytes) return;
  throw new AppError(
    "request_too_large",
    `plaintext has ${plaintext.byteLength} octets, limit ${plaintextBytes}; split it, or encrypt it where it is with a data key`,
  );
}

/**
 * @throws AppError request_too_large; else as `createDataKey`.
 */
export async function encryptData(app: ProtectionApp, request: EncryptionRequest): Promise<EncryptedData> {
  const { caller, plaintext } = request;
  checkPlaintext(plaintext);
  const data = dataContext(caller, request.context);
  const message = await withNewWrapping(app, caller, data, (wrapping) =>
    app.cipher.encrypt(wrapping, plaintext, data.context),
  );
  return { context: data.context, message };
}
