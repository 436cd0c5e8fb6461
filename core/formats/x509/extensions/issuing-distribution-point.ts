/**
 * Room: core/formats. issuingDistributionPoint (RFC 5280 §5.2.5), full names only: which part of an authority's
 * certificates a CRL speaks of. Indirect CRLs, CRLs by reason and CRLs of attribute certificates are refused: we
 * write none, and whoever took one for a list of ours would miss revocations.
 */
import { AppError } from "../../../errors.ts";
import type { DerCursor } from "../../der/cursor.ts";
import { encodeContext, encodePrimitiveContext, encodeSequence } from "../../der/writer.ts";
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from "../../general-name.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export interface IssuingDistributionPoint {
  /** Where the CRL lies, as cRLDistributionPoints of its certificates names it. */
  readonly fullName?: readonly GeneralName[];
  /** Absent: the CRL speaks of both. */
  readonly onlyContains?: "userCerts" | "caCerts";
}

const kinds = { userCerts: 1, caCerts: 2 } as const;
const unsupported = { 3: "onlySomeReasons", 4: "indirectCRL", 5: "onlyContainsAttributeCerts" } as const;
const trueContent = Uint8Array.of(0xff);

function decodeFullName(fields: DerCursor): readonly GeneralName[] | undefined {
  const distributionPoint = fields.optionalContext(0);
  if (distributionPoint === undefined) return undefined;
  const names = distributionPoint.optionalContext(0);
  if (names === undefined) {
    throw new AppError("der_malformed", "a point relative to the issuer's name is not supported");
  }
  const fullName = decodeGeneralNames(names);
  distributionPoint.done();
  return fullName;
}

/** X.690 §11.5: FALSE, the default, is left out. */
function isTrue(fields: DerCursor, number: number): boolean {
  const content = fields.optionalPrimitive(number);
  if (content === undefined) return false;
  if (content.length === 1 && content[0] === 0xff) return true;
  throw new AppError("der_malformed", `field [${number}] is not TRUE`);
}

function refuseUnsupported(fields: DerCursor): void {
  if (fields.atEnd) return;
  const number = (fields.peek() ?? 0) & 0x1f;
  const name: string | undefined = Object.entries(unsupported).find(([key]) => Number(key) === number)?.[1];
  throw new AppError("der_malformed", `${name ?? `field [${number}]`} is not supported`);
}

function decodeKinds(fields: DerCursor): IssuingDistributionPoint["onlyContains"] {
  const users = isTrue(fields, kinds.userCerts);
  const authorities = isTrue(fields, kinds.caCerts);
  refuseUnsupported(fields);
  if (users && authorities) {
    throw new AppError("der_malformed", "onlyContainsUserCerts and onlyContainsCACerts exclude each other");
  }
  if (users) return "userCerts";
  return authorities ? "caCerts" : undefined;
}

export const issuingDistributionPoint: ExtensionType<IssuingDistributionPoint> = extensionType(
  "2.5.29.28",
  "issuingDistributionPoint",
  {
    encode({ fullName, onlyContains }) {
      const fields: Buffer[] = [];
      if (fullName !== undefined)
        fields.push(encodeContext(0, encodeContext(0, ...encodeGeneralNames(fullName))));
      if (onlyContains !== undefined) fields.push(encodePrimitiveContext(kinds[onlyContains], trueContent));
      if (fields.length === 0)
        throw new AppError("der_malformed", "no field is present; leave the extension out");
      return encodeSequence(...fields);
    },
    decode(cursor) {
      const fields = cursor.sequence();
      if (fields.atEnd) throw new AppError("der_malformed", "no field is present (RFC 5280 §5.2.5)");
      const fullName = decodeFullName(fields);
      const onlyContains = decodeKinds(fields);
      return { ...(fullName && { fullName }), ...(onlyContains && { onlyContains }) };
    },
  },
);
