/** Room: core/lint. The validity does not end before it starts. */
import type { LintRule } from "../rule.ts";

export const validityOrder: LintRule = {
  id: "validity-order",
  citation: "RFC 5280 §4.1.2.5",
  check({ tbs }) {
    const { notBefore, notAfter } = tbs.validity;
    return notAfter < notBefore ? "notAfter is before notBefore" : undefined;
  },
};
