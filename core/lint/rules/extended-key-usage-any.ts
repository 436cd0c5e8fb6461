/** Room: core/lint. Key purposes are named one by one. */
import { extendedKeyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

const anyExtendedKeyUsage = "2.5.29.37.0";

export const extendedKeyUsageAny: LintRule = {
  id: "extended-key-usage-any",
  citation: "RFC 5280 §4.2.1.12",
  check(subject) {
    const purposes = subject.extension(extendedKeyUsage)?.value ?? [];
    return purposes.includes(anyExtendedKeyUsage)
      ? "anyExtendedKeyUsage is given; name each purpose"
      : undefined;
  },
};
