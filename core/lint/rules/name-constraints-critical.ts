/** Room: core/lint. nameConstraints is critical. */
import { nameConstraints } from "../../formats/x509/extensions/index.ts";
import { mustBeCritical } from "../criticality.ts";
import type { LintRule } from "../rule.ts";

export const nameConstraintsCritical: LintRule = mustBeCritical(
  nameConstraints,
  "name-constraints-critical",
  "RFC 5280 §4.2.1.10",
);
