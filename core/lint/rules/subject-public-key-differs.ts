/** Room: core/lint. The subject key is not the issuer's. */
import type { LintRule } from "../rule.ts";

export const subjectPublicKeyDiffers: LintRule = {
  id: "subject-public-key-differs",
  citation: "SP 800-57 Part 1 r5 §5.2",
  check({ tbs, context }) {
    // One key, one purpose: an authority's key in another certificate makes its holder a second authority.
    if (context.issuer === "self") return undefined;
    const same = Buffer.compare(tbs.subjectPublicKeyInfo, context.issuer.subjectPublicKeyInfo) === 0;
    return same ? "subject key is the issuer's own" : undefined;
  },
};
