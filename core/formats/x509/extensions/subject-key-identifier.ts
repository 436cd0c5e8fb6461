/** Room: core/formats. subjectKeyIdentifier (RFC 5280 §4.2.1.2): the identifier's octets, at least one. */
import { AppError } from "../../../errors.ts";
import { encodeOctetString } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

function notEmpty(identifier: Uint8Array): Uint8Array {
  if (identifier.length === 0) throw new AppError("der_malformed", "key identifier is empty");
  return identifier;
}

export const subjectKeyIdentifier: ExtensionType<Uint8Array> = extensionType(
  "2.5.29.14",
  "subjectKeyIdentifier",
  {
    encode: (identifier) => encodeOctetString(notEmpty(identifier)),
    decode: (cursor) => notEmpty(cursor.octetString()),
  },
);
