/** Room: core/lint. The issuer has a name. */
import type { LintRule } from "../rule.ts";

export const issuerNotEmpty: LintRule = {
  id: "issuer-not-empty",
  citation: "RFC 5280 §4.1.2.4",
  check: ({ tbs }) => (tbs.issuer.length > 0 ? undefined : "issuer name is empty"),
};
