/** Room: core/lint. There are no unique identifiers. */
import type { LintRule } from "../rule.ts";

export const uniqueIdentifiersAbsent: LintRule = {
  id: "unique-identifiers-absent",
  citation: "RFC 5280 §4.1.2.8",
  check: ({ tbs }) =>
    tbs.hasUniqueIdentifiers ? "issuer or subject unique identifiers are present; leave them out" : undefined,
};
