/** Room: core/lint. The serial number is above zero. */
import type { LintRule } from "../rule.ts";

export const serialNumberPositive: LintRule = {
  id: "serial-number-positive",
  citation: "RFC 5280 §4.1.2.2",
  check({ tbs }) {
    const { serialNumber } = tbs;
    if ((serialNumber[0] ?? 0) >= 0x80) return "serial number is negative; give it a sign octet";
    return serialNumber.every((octet) => octet === 0)
      ? "serial number is zero; draw a random one"
      : undefined;
  },
};
