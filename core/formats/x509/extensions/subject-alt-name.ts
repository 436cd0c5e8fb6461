/** Room: core/formats. subjectAltName (RFC 5280 §4.2.1.6): one or more general names. */
import { encodeSequence } from "../../der/writer.ts";
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from "../../general-name.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export const subjectAltName: ExtensionType<readonly GeneralName[]> = extensionType(
  "2.5.29.17",
  "subjectAltName",
  {
    encode: (names) => encodeSequence(...encodeGeneralNames(names)),
    decode: (cursor) => decodeGeneralNames(cursor.sequence()),
  },
);
