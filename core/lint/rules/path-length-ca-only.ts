/** Room: core/lint. A path length stands in authorities only. */
import { basicConstraints, keyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const pathLengthCaOnly: LintRule = {
  id: "path-length-ca-only",
  citation: "RFC 5280 §4.2.1.9",
  check(subject) {
    const value = subject.extension(basicConstraints)?.value;
    if (value?.pathLenConstraint === undefined) return undefined;
    if (!value.cA) return "pathLenConstraint is given without cA";
    const usage = subject.extension(keyUsage)?.value;
    return usage === undefined || usage.has("keyCertSign")
      ? undefined
      : "pathLenConstraint is given without keyCertSign";
  },
};
