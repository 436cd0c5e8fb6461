/** Room: core/formats. noRevAvail (RFC 9608 §2): no revocation information will exist. Its value is NULL. */
import { encodeNull } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export const noRevAvail: ExtensionType<true> = extensionType("2.5.29.56", "noRevAvail", {
  encode: () => encodeNull(),
  decode(cursor) {
    cursor.null();
    return true;
  },
});
