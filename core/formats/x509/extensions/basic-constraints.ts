/** Room: core/formats. basicConstraints (RFC 5280 §4.2.1.9). */
import { AppError } from "../../../errors.ts";
import type { DerCursor } from "../../der/cursor.ts";
import { tag } from "../../der/tag.ts";
import { encodeBoolean, encodeSequence, encodeSmallInteger } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export interface BasicConstraints {
  readonly cA: boolean;
  /** Issuing authorities that may follow in a path, 0 to 2^31 − 1. That it goes with `cA` only is for lint. */
  readonly pathLenConstraint?: number;
}

function decodeCa(fields: DerCursor): boolean {
  if (fields.peek() !== tag.boolean) return false;
  if (fields.boolean()) return true;
  throw new AppError("der_malformed", "cA FALSE is encoded, though it is the default (X.690 §11.5)");
}

export const basicConstraints: ExtensionType<BasicConstraints> = extensionType(
  "2.5.29.19",
  "basicConstraints",
  {
    encode({ cA, pathLenConstraint }) {
      const fields = cA ? [encodeBoolean(true)] : [];
      if (pathLenConstraint !== undefined) fields.push(encodeSmallInteger(pathLenConstraint));
      return encodeSequence(...fields);
    },
    decode(cursor) {
      const fields = cursor.sequence();
      const cA = decodeCa(fields);
      if (fields.atEnd) return { cA };
      const pathLenConstraint = fields.smallInteger();
      fields.done();
      return { cA, pathLenConstraint };
    },
  },
);
