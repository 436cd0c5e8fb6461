/** Room: core/lint. subjectAltName holds no personal data. */
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

const impersonal: ReadonlySet<string> = new Set(["dNSName", "iPAddress", "uniformResourceIdentifier"]);

export const sanPersonalData: LintRule = {
  id: "san-personal-data",
  citation: "45 CFR 164.514(b)(2)(i)",
  check(subject) {
    const names = subject.extension(subjectAltName)?.value ?? [];
    const bad = names.find(({ kind }) => !impersonal.has(kind));
    return bad === undefined
      ? undefined
      : `${bad.kind} in subjectAltName may hold personal data; leave it out`;
  },
};
