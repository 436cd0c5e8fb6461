/** Room: core/lint. nameConstraints stands in authorities only. */
import { nameConstraints } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const nameConstraintsCaOnly: LintRule = {
  id: "name-constraints-ca-only",
  citation: "RFC 5280 §4.2.1.10",
  check(subject) {
    if (subject.context.profile.basicConstraints.cA) return undefined;
    return subject.extension(nameConstraints) === undefined
      ? undefined
      : "nameConstraints is given to an end entity";
  },
};
