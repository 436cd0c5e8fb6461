/** Room: core/formats. reasonCode of an entry of a CRL (RFC 5280 §5.3.1). Its value is an ENUMERATED. */
import { AppError } from "../../../errors.ts";
import { type CrlReason, crlReasonOf, crlReasons } from "../../crl/reason.ts";
import { tag } from "../../der/tag.ts";
import { encodeElement } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export const crlReason: ExtensionType<CrlReason> = extensionType("2.5.29.21", "reasonCode", {
  encode: (reason) => encodeElement(tag.enumerated, Uint8Array.of(crlReasons[reason])),
  decode(cursor) {
    const { tag: kind, content } = cursor.element();
    const reason = content.length === 1 ? crlReasonOf(content[0] ?? -1) : undefined;
    if (kind !== tag.enumerated || reason === undefined) {
      throw new AppError("der_malformed", "reason is none of 0 to 6, 9 and 10");
    }
    return reason;
  },
});
