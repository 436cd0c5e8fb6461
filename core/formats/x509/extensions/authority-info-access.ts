/** Room: core/formats. authorityInfoAccess (RFC 5280 §4.2.2.1). */
import { AppError } from "../../../errors.ts";
import type { DerCursor } from "../../der/cursor.ts";
import { encodeOidElement, encodeSequence } from "../../der/writer.ts";
import { decodeGeneralName, encodeGeneralName, type GeneralName } from "../../general-name.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

/** RFC 5280 §4.2.2.1. */
export const accessMethods = { ocsp: "1.3.6.1.5.5.7.48.1", caIssuers: "1.3.6.1.5.5.7.48.2" } as const;

export interface AccessDescription {
  readonly accessMethod: string;
  readonly accessLocation: GeneralName;
}

function decodeDescription(fields: DerCursor): AccessDescription {
  const description = { accessMethod: fields.oid(), accessLocation: decodeGeneralName(fields) };
  fields.done();
  return description;
}

export const authorityInfoAccess: ExtensionType<readonly AccessDescription[]> = extensionType(
  "1.3.6.1.5.5.7.1.1",
  "authorityInfoAccess",
  {
    encode(descriptions) {
      if (descriptions.length === 0)
        throw new AppError("der_malformed", "no access is described; leave it out");
      return encodeSequence(
        ...descriptions.map(({ accessMethod, accessLocation }) =>
          encodeSequence(encodeOidElement(accessMethod), encodeGeneralName(accessLocation)),
        ),
      );
    },
    decode(cursor) {
      const list = cursor.sequence();
      const descriptions: AccessDescription[] = [];
      // SIZE(1..MAX): an empty list is refused by the first read.
      do descriptions.push(decodeDescription(list.sequence()));
      while (!list.atEnd);
      return descriptions;
    },
  },
);
