/** Room: core/lint. An authority names its key. */
import { subjectKeyIdentifier } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const subjectKeyIdentifierInCa: LintRule = {
  id: "subject-key-identifier-in-ca",
  citation: "RFC 5280 §4.2.1.2",
  check({ tbs, context }) {
    const absent = !tbs.extensions.some(({ oid }) => oid === subjectKeyIdentifier.oid);
    return context.profile.basicConstraints.cA && absent
      ? "an authority's subjectKeyIdentifier is absent"
      : undefined;
  },
};
