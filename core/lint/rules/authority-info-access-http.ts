/** Room: core/lint. What authorityInfoAccess points to is fetched over http; a responder over https too. */
import { accessMethods, authorityInfoAccess } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const authorityInfoAccessHttp: LintRule = {
  id: "authority-info-access-http",
  citation: "RFC 5280 §4.2.2.1, §8",
  check(subject) {
    const descriptions = subject.extension(authorityInfoAccess)?.value ?? [];
    const bad = descriptions.some(({ accessMethod, accessLocation: { kind, value } }) => {
      // https would ask for the very path that caIssuers helps to build. Our responder's own certificate is checked
      // without asking it (docs/adr/0013), which is §8's condition for https.
      const scheme = accessMethod === accessMethods.ocsp ? /^https?:\/\/[^/]/i : /^http:\/\/[^/]/i;
      return kind !== "uniformResourceIdentifier" || !scheme.test(value);
    });
    return bad ? "an access location is not an http URI, nor an https one of a responder" : undefined;
  },
};
