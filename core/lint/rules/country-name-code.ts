/** Room: core/lint. A country is a two-letter code. */
import { nameAttributes } from "../../formats/name-attribute.ts";
import type { LintRule } from "../rule.ts";

export const countryNameCode: LintRule = {
  id: "country-name-code",
  citation: "RFC 5280 Appendix A.1; ISO 3166-1",
  check({ tbs }) {
    for (const relativeName of tbs.subject) {
      for (const { type, value } of relativeName) {
        if (type === nameAttributes.countryName.oid && !/^[A-Z]{2}$/.test(value)) {
          return "countryName is not two capital letters";
        }
      }
    }
    return undefined;
  },
};
