/** Room: core/lint. No key purpose stands twice. */
import { extendedKeyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const extendedKeyUsageSingle: LintRule = {
  id: "extended-key-usage-single",
  citation: "RFC 5280 §4.2.1.12",
  check(subject) {
    const purposes = subject.extension(extendedKeyUsage)?.value ?? [];
    return purposes.length === new Set(purposes).size ? undefined : "a key purpose stands twice";
  },
};
