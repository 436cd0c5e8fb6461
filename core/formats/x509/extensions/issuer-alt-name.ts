/** Room: core/formats. issuerAltName (RFC 5280 §4.2.1.7): one or more general names. */
import { encodeSequence } from "../../der/writer.ts";
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from "../../general-name.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export const issuerAltName: ExtensionType<readonly GeneralName[]> = extensionType(
  "2.5.29.18",
  "issuerAltName",
  {
    encode: (names) => encodeSequence(...encodeGeneralNames(names)),
    decode: (cursor) => decodeGeneralNames(cursor.sequence()),
  },
);
