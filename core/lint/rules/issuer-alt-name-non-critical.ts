/** Room: core/lint. issuerAltName is not critical. */
import { issuerAltName } from "../../formats/x509/extensions/index.ts";
import { mustNotBeCritical } from "../criticality.ts";
import type { LintRule } from "../rule.ts";

export const issuerAltNameNonCritical: LintRule = mustNotBeCritical(
  issuerAltName,
  "issuer-alt-name-non-critical",
  "RFC 5280 §4.2.1.7",
);
