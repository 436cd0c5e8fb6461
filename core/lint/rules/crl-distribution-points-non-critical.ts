/** Room: core/lint. cRLDistributionPoints is not critical. */
import { crlDistributionPoints } from "../../formats/x509/extensions/index.ts";
import { mustNotBeCritical } from "../criticality.ts";
import type { LintRule } from "../rule.ts";

export const crlDistributionPointsNonCritical: LintRule = mustNotBeCritical(
  crlDistributionPoints,
  "crl-distribution-points-non-critical",
  "RFC 5280 §4.2.1.13",
);
