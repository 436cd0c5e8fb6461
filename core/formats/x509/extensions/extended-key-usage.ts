/** Room: core/formats. extKeyUsage (RFC 5280 §4.2.1.12): one or more purposes, as dotted OIDs. */
import { AppError } from "../../../errors.ts";
import { encodeOidElement, encodeSequence } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

/** RFC 5280 §4.2.1.12; documentSigning is RFC 9336's. */
export const keyPurposes = {
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  emailProtection: "1.3.6.1.5.5.7.3.4",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  OCSPSigning: "1.3.6.1.5.5.7.3.9",
  documentSigning: "1.3.6.1.5.5.7.3.36",
} as const;

export type KeyPurpose = keyof typeof keyPurposes;

export const extendedKeyUsage: ExtensionType<readonly string[]> = extensionType("2.5.29.37", "extKeyUsage", {
  encode(purposes) {
    if (purposes.length === 0)
      throw new AppError("der_malformed", "no purpose is named; leave the extension out");
    return encodeSequence(...purposes.map(encodeOidElement));
  },
  decode(cursor) {
    const list = cursor.sequence();
    const purposes: string[] = [];
    // SIZE(1..MAX): an empty list is refused by the first read.
    do purposes.push(list.oid());
    while (!list.atEnd);
    return purposes;
  },
});
