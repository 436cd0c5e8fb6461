/** Room: core/lint. subjectAltName is critical exactly when the subject is empty. */
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const sanCriticalIfSubjectEmpty: LintRule = {
  id: "san-critical-if-subject-empty",
  citation: "RFC 5280 §4.1.2.6, §4.2.1.6",
  check(subject) {
    const names = subject.extension(subjectAltName);
    if (names === undefined) return undefined;
    const empty = subject.tbs.subject.length === 0;
    if (empty === names.critical) return undefined;
    return empty
      ? "subject is empty, so subjectAltName must be critical"
      : "subject is given, so subjectAltName should not be critical";
  },
};
