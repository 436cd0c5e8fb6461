/** Room: core/lint. The issuer's name is the one in the issuer's own certificate. */
import type { LintRule } from "../rule.ts";

export const issuerNameChain: LintRule = {
  id: "issuer-name-chain",
  citation: "RFC 5280 §4.1.2.4, §6.1.3 (a)(4)",
  check({ tbs, context }) {
    // Octet by octet: verifiers differ in how they compare names that are merely equivalent.
    const expected = context.issuer === "self" ? tbs.subjectRaw : context.issuer.subjectRaw;
    if (Buffer.compare(tbs.issuerRaw, expected) === 0) return undefined;
    return "issuer name is not, octet by octet, the issuer's own subject name";
  },
};
