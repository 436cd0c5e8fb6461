/** Room: core/lint. All rules over one TBS, before it is signed. */
import type { TbsCertificate } from "../formats/x509/tbs-certificate.ts";
import { lintRules } from "./index.ts";
import type { LintContext, LintFinding } from "./rule.ts";
import { DecodedSubject } from "./subject.ts";

/** Findings in the order of `lintRules`; empty when the certificate may be signed. */
export function lint(tbs: TbsCertificate, context: LintContext): readonly LintFinding[] {
  const subject = new DecodedSubject(tbs, context);
  const findings: LintFinding[] = [];
  for (const { id, citation, check } of lintRules) {
    const message = check(subject);
    if (message !== undefined) findings.push({ rule: id, citation, message });
  }
  return findings;
}
