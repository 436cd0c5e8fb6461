/** Room: core/lint. Every extension that we know is well formed. */
import type { LintRule } from "../rule.ts";

export const extensionDecodes: LintRule = {
  id: "extension-decodes",
  citation: "RFC 5280 §4.2",
  check: (subject) =>
    subject.malformedExtensions.length === 0 ? undefined : subject.malformedExtensions.join("; "),
};
