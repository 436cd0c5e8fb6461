/** Room: core/lint. An end entity's policies are named. */
import { certificatePolicies } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

const anyPolicy = "2.5.29.32.0";

export const certificatePoliciesAnyPolicy: LintRule = {
  id: "certificate-policies-any-policy",
  citation: "RFC 5280 §4.2.1.4; RFC 9618",
  check(subject) {
    // anyPolicy widens what path validation must track; in an end entity it says nothing at all.
    if (subject.context.profile.basicConstraints.cA) return undefined;
    const policies = subject.extension(certificatePolicies)?.value ?? [];
    return policies.some(({ policyIdentifier }) => policyIdentifier === anyPolicy)
      ? "anyPolicy is given to an end entity; name the policy"
      : undefined;
  },
};
