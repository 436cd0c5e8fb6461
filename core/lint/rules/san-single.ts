/** Room: core/lint. No name in subjectAltName stands twice. */
import { canonicalGeneralName } from "../../formats/general-name.ts";
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const sanSingle: LintRule = {
  id: "san-single",
  citation: "RFC 5280 §4.2.1.6",
  check(subject) {
    const names = subject.extension(subjectAltName)?.value ?? [];
    if (names.length < 2) return undefined;
    const distinct = new Set(names.map(canonicalGeneralName)).size;
    return distinct === names.length
      ? undefined
      : `${names.length - distinct} names in subjectAltName are repeated`;
  },
};
