/** Room: core/lint. The validity lies within the issuer's. */
import type { LintRule } from "../rule.ts";

export const validityWithinIssuer: LintRule = {
  id: "validity-within-issuer",
  citation: "RFC 5280 §4.1.2.5, §6.1.3 (a)(2)",
  check({ tbs, context }) {
    // A path is valid only while all of it is; what outlives its issuer promises what it cannot keep.
    if (context.issuer === "self") return undefined;
    const { notBefore, notAfter } = context.issuer.validity;
    if (tbs.validity.notBefore < notBefore) return "notBefore is before the issuer's own";
    return tbs.validity.notAfter > notAfter ? "notAfter is after the issuer's own" : undefined;
  },
};
