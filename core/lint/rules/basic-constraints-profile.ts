/** Room: core/lint. cA is what the profile says. */
import { basicConstraints } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const basicConstraintsProfile: LintRule = {
  id: "basic-constraints-profile",
  citation: "RFC 5280 §4.2.1.9",
  check(subject) {
    const { id, basicConstraints: own } = subject.context.profile;
    // Absent means no authority.
    const cA = subject.extension(basicConstraints)?.value.cA ?? false;
    return cA === own.cA ? undefined : `cA is ${cA}; profile "${id}" has ${own.cA}`;
  },
};
