/** Room: core/lint. No subject attribute stands twice. */
import type { LintRule } from "../rule.ts";

export const subjectAttributeSingle: LintRule = {
  id: "subject-attribute-single",
  citation: "CA/Browser Forum Baseline Requirements §7.1.4.3",
  check({ tbs }) {
    // Verifiers disagree on which of two common names counts, so there is never a second of any type.
    const types = tbs.subject.flat().map(({ type }) => type);
    const twice = types.length > 1 ? types.find((type, index) => types.indexOf(type) !== index) : undefined;
    return twice === undefined ? undefined : `subject attribute ${twice} stands twice; keep one`;
  },
};
