/** Room: core/formats. nameConstraints (RFC 5280 §4.2.1.10). */
import { AppError } from "../../../errors.ts";
import type { DerCursor } from "../../der/cursor.ts";
import { encodeContext, encodeSequence } from "../../der/writer.ts";
import { decodeGeneralName, encodeGeneralName, type GeneralName } from "../../general-name.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

/** Bases of subtrees, one or more in a list that is present; at least one list is. */
export interface NameConstraints {
  readonly permittedSubtrees?: readonly GeneralName[];
  readonly excludedSubtrees?: readonly GeneralName[];
}

function encodeSubtrees(number: 0 | 1, bases: readonly GeneralName[] | undefined): readonly Buffer[] {
  if (bases === undefined) return [];
  if (bases.length === 0) throw new AppError("der_malformed", "a list of subtrees is empty; leave it out");
  // RFC 5280 §4.2.1.10: minimum is 0, its default, and maximum is absent.
  return [
    encodeContext(number, ...bases.map((base) => encodeSequence(encodeGeneralName(base, "constraint")))),
  ];
}

function decodeSubtree(subtree: DerCursor): GeneralName {
  const base = decodeGeneralName(subtree, "constraint");
  if (!subtree.atEnd)
    throw new AppError("der_malformed", "subtree with minimum or maximum (RFC 5280 §4.2.1.10)");
  return base;
}

function decodeSubtrees(list: DerCursor | undefined): readonly GeneralName[] | undefined {
  if (list === undefined) return undefined;
  const bases: GeneralName[] = [];
  // SIZE(1..MAX): an empty list is refused by the first read.
  do bases.push(decodeSubtree(list.sequence()));
  while (!list.atEnd);
  return bases;
}

/** RFC 5280 §4.2.1.10: not an empty sequence. */
function check(value: NameConstraints): NameConstraints {
  if (value.permittedSubtrees === undefined && value.excludedSubtrees === undefined) {
    throw new AppError("der_malformed", "neither permitted nor excluded subtrees; leave the extension out");
  }
  return value;
}

export const nameConstraints: ExtensionType<NameConstraints> = extensionType("2.5.29.30", "nameConstraints", {
  encode(value) {
    const { permittedSubtrees, excludedSubtrees } = check(value);
    return encodeSequence(...encodeSubtrees(0, permittedSubtrees), ...encodeSubtrees(1, excludedSubtrees));
  },
  decode(cursor) {
    const fields = cursor.sequence();
    const permittedSubtrees = decodeSubtrees(fields.optionalContext(0));
    const excludedSubtrees = decodeSubtrees(fields.optionalContext(1));
    fields.done();
    return check({
      ...(permittedSubtrees && { permittedSubtrees }),
      ...(excludedSubtrees && { excludedSubtrees }),
    });
  },
});
