/** Room: core/lint. Subject attributes are of string types they take. */
import { tag } from "../../formats/der/tag.ts";
import { nameAttributeRow } from "../../formats/name-attribute.ts";
import type { LintRule } from "../rule.ts";

export const subjectAttributeEncoding: LintRule = {
  id: "subject-attribute-encoding",
  citation: "RFC 5280 §4.1.2.4, §4.1.2.6",
  check({ tbs }) {
    for (const relativeName of tbs.subject) {
      for (const { type, encoding } of relativeName) {
        const encodings = nameAttributeRow(type)?.encodings ?? [tag.utf8String, tag.printableString];
        if (!encodings.includes(encoding))
          return `subject attribute ${type} is of a string type it does not take`;
      }
    }
    return undefined;
  },
};
