/** Room: core/lint. What authorityInfoAccess points to is fetched over http. */
import { authorityInfoAccess } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const authorityInfoAccessHttp: LintRule = {
  id: "authority-info-access-http",
  citation: "RFC 5280 §4.2.2.1, §8",
  check(subject) {
    const descriptions = subject.extension(authorityInfoAccess)?.value ?? [];
    // https would ask for the very path that the pointer helps to build.
    const bad = descriptions.some(({ accessLocation: { kind, value } }) => {
      return kind !== "uniformResourceIdentifier" || !/^http:\/\/[^/]/i.test(value);
    });
    return bad ? "an access location is not an http URI" : undefined;
  },
};
