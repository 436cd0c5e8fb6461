/** Room: core/protection. A message in, its octets out, for the very context that it was made for. */
import { isSameContext } from "../policy/encryption-context.ts";
import type { EncryptionContext, ProtectionApp } from "../ports.ts";
import { type DataCaller, type DataContext, type DataRequest, dataContext } from "./data-caller.ts";
import { shown } from "./reading.ts";
import { unreadable } from "./unreadable.ts";
import { withNamedWrapping } from "./wrapping.ts";

export interface DecryptionRequest extends DataRequest {
  readonly message: Buffer;
}

export interface DecryptedData {
  readonly context: EncryptionContext;
  /** The caller overwrites it. */
  readonly plaintext: Buffer;
}

/**
 * The octets of `message`, which nobody has been told of.
 * @throws AppError data_unreadable, key_disabled, key_service_unavailable, store_unavailable.
 */
export async function openMessage(
  app: ProtectionApp,
  caller: Pick<DataCaller, "fleetState">,
  data: DataContext,
  message: Buffer,
): Promise<Buffer> {
  const { context, wrapping: named } = app.cipher.headerOf(message);
  // The cipher compares as well: here it spares the key service what cannot open.
  if (!isSameContext(context, data.context)) throw unreadable();
  return withNamedWrapping(app, caller, data, named, (wrapping) =>
    app.cipher.decrypt(wrapping, message, data.context),
  );
}

/**
 * The octets, once their reading is on record.
 * @throws AppError data_unreadable: another context, fleet, subject, a changed or cut message, a destroyed key, in one
 * text; request_invalid, name_not_permitted, purpose_not_permitted; key_disabled, key_service_unavailable,
 * store_unavailable.
 */
export async function decryptData(app: ProtectionApp, request: DecryptionRequest): Promise<DecryptedData> {
  const { caller, message } = request;
  const data = dataContext(caller, request.context);
  const plaintext = await openMessage(app, caller, data, message);
  return { context: data.context, plaintext: await shown(app, caller, data, plaintext) };
}
