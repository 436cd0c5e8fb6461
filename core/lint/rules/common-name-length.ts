/** Room: core/lint. A common name has at most 64 characters. */
import { commonNames } from "../../formats/name.ts";
import { limits } from "../../standard/limits.ts";
import type { LintRule } from "../rule.ts";

export const commonNameLength: LintRule = {
  id: "common-name-length",
  citation: "RFC 5280 Appendix A.1 (ub-common-name)",
  check({ tbs }) {
    const { value: maximum } = limits.commonNameCharacters;
    const long = commonNames(tbs.subject).find((value) => [...value].length > maximum);
    return long === undefined ? undefined : `commonName of ${[...long].length} characters exceeds ${maximum}`;
  },
};
