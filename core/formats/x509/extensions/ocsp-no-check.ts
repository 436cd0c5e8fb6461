/** Room: core/formats. ocspNoCheck (RFC 6960 §4.2.2.2.1): trust this responder without asking for its revocation. Its value is NULL. */
import { encodeNull } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export const ocspNoCheck: ExtensionType<true> = extensionType("1.3.6.1.5.5.7.48.1.5", "ocspNoCheck", {
  encode: () => encodeNull(),
  decode(cursor) {
    cursor.null();
    return true;
  },
});
