/** Room: core/protection. Data keys for whoever encrypts where the data is: made, and opened again. */
import type { EncryptedDataKey, EncryptionContext, ProtectionApp } from "../ports.ts";
import { type DataRequest, dataContext } from "./data-caller.ts";
import { shown } from "./reading.ts";
import { withNamedWrapping, withNewWrapping } from "./wrapping.ts";

export interface DataKeyRequest extends DataRequest {
  readonly withPlaintext: boolean;
}

export interface DataKey {
  readonly context: EncryptionContext;
  readonly wrapped: EncryptedDataKey;
  /** 32 octets, which the caller overwrites. */
  readonly plaintext?: Buffer;
}

/**
 * @throws AppError request_invalid, name_not_permitted, purpose_not_permitted, subject_shredded, key_disabled,
 * key_service_unavailable, store_unavailable.
 */
export async function createDataKey(app: ProtectionApp, request: DataKeyRequest): Promise<DataKey> {
  const { caller, withPlaintext } = request;
  const data = dataContext(caller, request.context);
  const { context } = data;
  const { plaintext, wrapped } = await withNewWrapping(app, caller, data, (wrapping) =>
    app.cipher.createDataKey(wrapping, context),
  );
  if (withPlaintext) return { context, wrapped, plaintext };
  plaintext.fill(0);
  return { context, wrapped };
}

export interface UnwrapRequest extends DataRequest {
  readonly wrapped: EncryptedDataKey;
}

/**
 * The key in the clear, once its reading is on record.
 * @throws AppError data_unreadable, whatever is wrong with key or context; else as `createDataKey`.
 */
export async function unwrapDataKey(
  app: ProtectionApp,
  request: UnwrapRequest,
): Promise<{ readonly plaintext: Buffer }> {
  const { caller, wrapped } = request;
  const data = dataContext(caller, request.context);
  const named = app.cipher.wrappingOf(wrapped);
  const plaintext = await withNamedWrapping(app, caller, data, named, (wrapping) =>
    app.cipher.unwrapDataKey(wrapping, wrapped, data.context),
  );
  return { plaintext: await shown(app, caller, data, plaintext) };
}
