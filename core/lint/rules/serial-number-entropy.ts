/** Room: core/lint. The serial number is long enough to be random. */
import { limits } from "../../standard/limits.ts";
import type { LintRule } from "../rule.ts";

export const serialNumberEntropy: LintRule = {
  id: "serial-number-entropy",
  citation: "CA/Browser Forum Baseline Requirements §7.1; RFC 5280 §4.1.2.2",
  check({ tbs }) {
    const { serialNumber } = tbs;
    const first = serialNumber.findIndex((octet) => octet !== 0);
    const leading = serialNumber[first];
    // Zero has a rule of its own.
    if (leading === undefined) return undefined;
    // A short number cannot hold 64 random bits; one is drawn short once in 2^63.
    const bits = (serialNumber.length - first) * 8 - (Math.clz32(leading) - 24);
    const { value: minimum } = limits.serialNumberBits;
    return bits < minimum
      ? `serial number of ${bits} bits is below ${minimum}; draw a longer one`
      : undefined;
  },
};
