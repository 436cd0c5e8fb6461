/** Room: core/lint. URIs are absolute and name their host. */
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

// Scheme and something after it; where an authority is given, a host in it.
const absolute = /^[a-z][a-z0-9+.-]*:(?!\/\/(?:[^/?#@]*@)?(?:[:/?#]|$))./i;

export const sanUriAbsolute: LintRule = {
  id: "san-uri-absolute",
  citation: "RFC 5280 §4.2.1.6",
  check(subject) {
    const names = subject.extension(subjectAltName)?.value ?? [];
    const bad = names.some(
      ({ kind, value }) => kind === "uniformResourceIdentifier" && !absolute.test(value),
    );
    return bad ? "a URI in subjectAltName is relative or lacks its host" : undefined;
  },
};
