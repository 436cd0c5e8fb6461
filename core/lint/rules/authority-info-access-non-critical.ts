/** Room: core/lint. authorityInfoAccess is not critical. */
import { authorityInfoAccess } from "../../formats/x509/extensions/index.ts";
import { mustNotBeCritical } from "../criticality.ts";
import type { LintRule } from "../rule.ts";

export const authorityInfoAccessNonCritical: LintRule = mustNotBeCritical(
  authorityInfoAccess,
  "authority-info-access-non-critical",
  "RFC 5280 §4.2.2.1",
);
