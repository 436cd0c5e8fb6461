/** Room: core/lint. CRLs are fetched over http. */
import { crlDistributionPoints } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const crlDistributionPointsHttp: LintRule = {
  id: "crl-distribution-points-http",
  citation: "RFC 5280 §4.2.1.13, §8",
  check(subject) {
    const names = (subject.extension(crlDistributionPoints)?.value ?? []).flatMap(({ fullName }) => fullName);
    // https would ask for the revocation status of its own server first.
    const bad = names.some(
      ({ kind, value }) => kind !== "uniformResourceIdentifier" || !/^http:\/\/[^/]/i.test(value),
    );
    return bad ? "a distribution point is not an http URI" : undefined;
  },
};
