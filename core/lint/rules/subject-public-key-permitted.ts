/** Room: core/lint. The subject key's algorithm is the profile's. */
import type { LintRule } from "../rule.ts";

export const subjectPublicKeyPermitted: LintRule = {
  id: "subject-public-key-permitted",
  citation: "SP 800-57 Part 1 r5 §5.6.1; SP 800-131A r2",
  check(subject) {
    const algorithm = subject.keyKind?.algorithm.id;
    const { id, subjectAlgorithms } = subject.context.profile;
    if (algorithm === undefined || subjectAlgorithms.includes(algorithm)) return undefined;
    return `${algorithm} keys are not for profile "${id}"; use one of ${subjectAlgorithms.join(", ")}`;
  },
};
