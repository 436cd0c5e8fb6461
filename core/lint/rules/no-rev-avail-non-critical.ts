/** Room: core/lint. noRevAvail is not critical. */
import { noRevAvail } from "../../formats/x509/extensions/index.ts";
import { mustNotBeCritical } from "../criticality.ts";
import type { LintRule } from "../rule.ts";

export const noRevAvailNonCritical: LintRule = mustNotBeCritical(
  noRevAvail,
  "no-rev-avail-non-critical",
  "RFC 9608 §2",
);
