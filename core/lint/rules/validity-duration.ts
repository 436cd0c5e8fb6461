/** Room: core/lint. The validity is no longer than the profile's. */
import type { LintRule } from "../rule.ts";

export const validityDuration: LintRule = {
  id: "validity-duration",
  citation: "SP 800-57 Part 1 r5 §5.3.6; RFC 5280 §4.1.2.5",
  check({ tbs, context }) {
    const day = 86_400_000;
    // Both ends belong to the period: a limit of 90 days is passed by 90 days and one second.
    const duration = tbs.validity.notAfter - tbs.validity.notBefore + 1000;
    const { id, maximumDays } = context.profile;
    if (duration <= maximumDays * day) return undefined;
    return `validity of ${duration / 1000} s exceeds profile "${id}" maximum ${maximumDays} d (${maximumDays * 86_400} s)`;
  },
};
