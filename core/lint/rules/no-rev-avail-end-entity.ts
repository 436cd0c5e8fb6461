/** Room: core/lint. noRevAvail stands in end entities only. */
import { noRevAvail } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const noRevAvailEndEntity: LintRule = {
  id: "no-rev-avail-end-entity",
  citation: "RFC 9608 §2",
  check(subject) {
    if (!subject.context.profile.basicConstraints.cA) return undefined;
    return subject.extension(noRevAvail) === undefined ? undefined : "noRevAvail is given to an authority";
  },
};
