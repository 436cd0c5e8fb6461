/**
 * Room: core/protection. A message moved under the newest key, or to another context, without its octets leaving the
 * process. Keys of subjects move without their messages (`reencryption.ts`).
 */
import { type ContextRequest, isSameContext } from "../policy/encryption-context.ts";
import type { NamedWrapping, ProtectionApp, Wrapping } from "../ports.ts";
import { type DataRequest, dataContext } from "./data-caller.ts";
import { openMessage } from "./decrypt.ts";
import type { EncryptedData } from "./encrypt.ts";
import { recordMove } from "./reading.ts";
import { withNewWrapping } from "./wrapping.ts";

export interface MessageReencryption extends DataRequest {
  readonly message: Buffer;
  /** @default the context that it has */
  readonly to?: ContextRequest;
}

export interface ReencryptedData extends EncryptedData {
  /** False: it was under the newest key of that context; `message` is as it was. */
  readonly changed: boolean;
}

/** Under the fleet's own key a message says which: the newest is asked for. */
async function isNewest(app: ProtectionApp, named: NamedWrapping, wrapping: Wrapping): Promise<boolean> {
  if (named.kind === "subject") return wrapping.kind === "subject" && named.keyName === wrapping.keyName;
  if (named.kind === "foreign" || wrapping.kind !== "fleet") return false;
  return named.keyId === (await app.wrappingKeys.keyOf(wrapping.fleet));
}

/**
 * A move to another context is on record before its message is given.
 * @throws AppError data_unreadable, subject_shredded (the new context's); both contexts' purposes must be the caller's:
 * purpose_not_permitted; else as `decryptData`.
 */
export async function reencryptData(
  app: ProtectionApp,
  request: MessageReencryption,
): Promise<ReencryptedData> {
  const { caller, message } = request;
  const from = dataContext(caller, request.context);
  const to = request.to === undefined ? from : dataContext(caller, request.to);
  const { wrapping: named } = app.cipher.headerOf(message);
  const plaintext = await openMessage(app, caller, from, message);
  try {
    return await withNewWrapping(app, caller, to, async (wrapping) => {
      const { context } = to;
      const isMove = !isSameContext(from.context, context);
      if (!isMove && (await isNewest(app, named, wrapping))) return { context, message, changed: false };
      const made = await app.cipher.encrypt(wrapping, plaintext, context);
      if (isMove) await recordMove(app, caller, from, to);
      return { context, message: made, changed: true };
    });
  } finally {
    plaintext.fill(0);
  }
}
