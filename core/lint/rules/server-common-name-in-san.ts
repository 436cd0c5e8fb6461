/** Room: core/lint. A server's common name is one of its names. */
import { canonicalText, commonNames } from "../../formats/name.ts";
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const serverCommonNameInSan: LintRule = {
  id: "server-common-name-in-san",
  citation: "CA/Browser Forum Baseline Requirements §7.1.4.3; RFC 9525",
  check(subject) {
    if (subject.context.profile.subjectKind !== "server") return undefined;
    const names = subject.extension(subjectAltName)?.value ?? [];
    // A name that old clients would read and new ones would not check.
    const stray = commonNames(subject.tbs.subject).some(
      (commonName) =>
        !names.some(
          ({ value }) => typeof value === "string" && canonicalText(value) === canonicalText(commonName),
        ),
    );
    return stray ? "commonName is none of the names in subjectAltName" : undefined;
  },
};
