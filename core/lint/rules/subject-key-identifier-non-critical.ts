/** Room: core/lint. subjectKeyIdentifier is not critical. */
import { subjectKeyIdentifier } from "../../formats/x509/extensions/index.ts";
import { mustNotBeCritical } from "../criticality.ts";
import type { LintRule } from "../rule.ts";

export const subjectKeyIdentifierNonCritical: LintRule = mustNotBeCritical(
  subjectKeyIdentifier,
  "subject-key-identifier-non-critical",
  "RFC 5280 §4.2.1.2",
);
