/** Room: core/lint. An authority's key usage lets it sign certificates. */
import { keyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const keyUsageInCa: LintRule = {
  id: "key-usage-in-ca",
  citation: "RFC 5280 §4.2.1.3",
  check(subject) {
    if (!subject.context.profile.basicConstraints.cA) return undefined;
    if (!subject.tbs.extensions.some(({ oid }) => oid === keyUsage.oid))
      return "an authority's keyUsage is absent";
    const usage = subject.extension(keyUsage)?.value;
    return usage !== undefined && !usage.has("keyCertSign")
      ? "an authority's keyUsage lacks keyCertSign"
      : undefined;
  },
};
