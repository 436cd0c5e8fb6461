/** Room: core/lint. An authority has a name. */
import type { LintRule } from "../rule.ts";

export const caSubjectNotEmpty: LintRule = {
  id: "ca-subject-not-empty",
  citation: "RFC 5280 §4.1.2.6",
  check({ tbs, context }) {
    const empty = context.profile.basicConstraints.cA && tbs.subject.length === 0;
    return empty ? "an authority's subject name is empty" : undefined;
  },
};
