/** Room: core/lint. The issuer's path length allows an authority below it. */
import { basicConstraints } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const pathLengthIssuer: LintRule = {
  id: "path-length-issuer",
  citation: "RFC 5280 §6.1.4 (l), (m)",
  check(subject) {
    if (subject.context.issuer === "self" || !subject.extension(basicConstraints)?.value.cA) return undefined;
    const maximum = subject.issuerExtension(basicConstraints)?.value.pathLenConstraint;
    return maximum === 0 ? "issuer has path length 0, so it issues to end entities only" : undefined;
  },
};
