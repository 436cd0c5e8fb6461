/** Room: core/lint. CRLs are fetched over https, or http. */
import { crlDistributionPoints } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const crlDistributionPointsHttp: LintRule = {
  id: "crl-distribution-points-http",
  citation: "RFC 5280 §4.2.1.13, §8",
  check(subject) {
    const names = (subject.extension(crlDistributionPoints)?.value ?? []).flatMap(({ fullName }) => fullName);
    // §8 lets https stand where the server's own certificate is checked without this list: docs/adr/0013.
    const bad = names.some(
      ({ kind, value }) => kind !== "uniformResourceIdentifier" || !/^https?:\/\/[^/]/i.test(value),
    );
    return bad ? "a distribution point is neither an https nor an http URI" : undefined;
  },
};
