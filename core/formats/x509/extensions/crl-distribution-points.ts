/**
 * Room: core/formats. cRLDistributionPoints (RFC 5280 §4.2.1.13), full names only. Points by reason, by another
 * issuer or relative to the issuer's name are refused: the RFC advises against the first and the last, and we
 * publish no indirect CRL.
 */
import { AppError } from "../../../errors.ts";
import type { DerCursor } from "../../der/cursor.ts";
import { encodeContext, encodeSequence } from "../../der/writer.ts";
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from "../../general-name.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export interface DistributionPoint {
  /** Where one and the same CRL lies; at least one name. */
  readonly fullName: readonly GeneralName[];
}

function encodePoint({ fullName }: DistributionPoint): Buffer {
  return encodeSequence(encodeContext(0, encodeContext(0, ...encodeGeneralNames(fullName))));
}

function decodePoint(fields: DerCursor): DistributionPoint {
  const distributionPoint = fields.optionalContext(0);
  const names = distributionPoint?.optionalContext(0);
  if (names === undefined)
    throw new AppError("der_malformed", "distribution point without fullName is not supported");
  const fullName = decodeGeneralNames(names);
  distributionPoint?.done();
  if (!fields.atEnd) throw new AppError("der_malformed", "reasons and cRLIssuer are not supported");
  return { fullName };
}

export const crlDistributionPoints: ExtensionType<readonly DistributionPoint[]> = extensionType(
  "2.5.29.31",
  "cRLDistributionPoints",
  {
    encode(points) {
      if (points.length === 0)
        throw new AppError("der_malformed", "no point is named; leave the extension out");
      return encodeSequence(...points.map(encodePoint));
    },
    decode(cursor) {
      const list = cursor.sequence();
      const points: DistributionPoint[] = [];
      // SIZE(1..MAX): an empty list is refused by the first read.
      do points.push(decodePoint(list.sequence()));
      while (!list.atEnd);
      return points;
    },
  },
);
