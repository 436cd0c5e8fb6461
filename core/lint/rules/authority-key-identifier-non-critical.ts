/** Room: core/lint. authorityKeyIdentifier is not critical. */
import { authorityKeyIdentifier } from "../../formats/x509/extensions/index.ts";
import { mustNotBeCritical } from "../criticality.ts";
import type { LintRule } from "../rule.ts";

export const authorityKeyIdentifierNonCritical: LintRule = mustNotBeCritical(
  authorityKeyIdentifier,
  "authority-key-identifier-non-critical",
  "RFC 5280 §4.2.1.1",
);
