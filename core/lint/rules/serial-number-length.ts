/** Room: core/lint. The serial number has at most 20 octets. */
import { limits } from "../../standard/limits.ts";
import type { LintRule } from "../rule.ts";

export const serialNumberLength: LintRule = {
  id: "serial-number-length",
  citation: "RFC 5280 §4.1.2.2",
  check({ tbs }) {
    const octets = tbs.serialNumber.length;
    const { value: maximum } = limits.serialNumberOctets;
    return octets > maximum ? `serial number of ${octets} octets exceeds ${maximum}` : undefined;
  },
};
