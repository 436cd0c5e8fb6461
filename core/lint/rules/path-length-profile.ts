/** Room: core/lint. The path length is no longer than the profile's. */
import { basicConstraints } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const pathLengthProfile: LintRule = {
  id: "path-length-profile",
  citation: "RFC 5280 §4.2.1.9",
  check(subject) {
    const { id, basicConstraints: own } = subject.context.profile;
    const value = subject.extension(basicConstraints)?.value;
    if (!value?.cA || own.pathLenConstraint === undefined) return undefined;
    if (value.pathLenConstraint !== undefined && value.pathLenConstraint <= own.pathLenConstraint)
      return undefined;
    return `path length ${value.pathLenConstraint ?? "without limit"} exceeds profile "${id}" maximum ${own.pathLenConstraint}`;
  },
};
