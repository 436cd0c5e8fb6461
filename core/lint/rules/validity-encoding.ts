/** Room: core/lint. Times are of the type that their year asks for. */
import { tag } from "../../formats/der/tag.ts";
import type { LintRule } from "../rule.ts";

export const validityEncoding: LintRule = {
  id: "validity-encoding",
  citation: "RFC 5280 §4.1.2.5",
  check({ tbs }) {
    const year2050 = Date.UTC(2050, 0, 1);
    const expected = (time: number): number => (time < year2050 ? tag.utcTime : tag.generalizedTime);
    const [before, after] = tbs.validityTags;
    if (before !== expected(tbs.validity.notBefore))
      return "notBefore is not UTCTime through 2049, GeneralizedTime after";
    return after === expected(tbs.validity.notAfter)
      ? undefined
      : "notAfter is not UTCTime through 2049, GeneralizedTime after";
  },
};
