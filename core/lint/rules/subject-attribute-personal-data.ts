/** Room: core/lint. Subject attributes hold no personal data. */
import { nameAttributes } from "../../formats/name-attribute.ts";
import type { LintRule } from "../rule.ts";

const impersonal: ReadonlySet<string> = new Set(
  ["commonName", "serialNumber", "organizationName", "organizationalUnitName", "countryName"].map(
    (name) => nameAttributes[name as keyof typeof nameAttributes].oid,
  ),
);

export const subjectAttributePersonalData: LintRule = {
  id: "subject-attribute-personal-data",
  citation: "45 CFR 164.514(b)(2)(i); RFC 5280 §4.1.2.6 (emailAddress is deprecated)",
  check({ tbs }) {
    for (const relativeName of tbs.subject) {
      for (const { type } of relativeName) {
        if (!impersonal.has(type)) return `subject attribute ${type} may hold personal data; leave it out`;
      }
    }
    return undefined;
  },
};
