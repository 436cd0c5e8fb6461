/** Room: core/lint. An authority's basicConstraints is critical. */
import { basicConstraints } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const basicConstraintsCritical: LintRule = {
  id: "basic-constraints-critical",
  citation: "RFC 5280 §4.2.1.9",
  check(subject) {
    const found = subject.extension(basicConstraints);
    return found?.value.cA && !found.critical ? "an authority's basicConstraints is not critical" : undefined;
  },
};
