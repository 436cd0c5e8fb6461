/** Room: core/lint. The version is 3. */
import type { LintRule } from "../rule.ts";

export const version3: LintRule = {
  id: "version-3",
  citation: "RFC 5280 §4.1.2.1",
  // v3 is what makes extensions legal.
  check: ({ tbs }) => (tbs.version === 3 ? undefined : `version is ${tbs.version}; write 3`),
};
