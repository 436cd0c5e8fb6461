/** Room: core/lint. Only authorities may sign CRLs. */
import { keyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const crlSignCaOnly: LintRule = {
  id: "crl-sign-ca-only",
  citation: "RFC 5280 §4.2.1.3; SPIFFE X.509-SVID §4.3",
  check(subject) {
    // Stricter than RFC 5280: only an authority signs its own CRL, since we make no indirect ones.
    if (subject.context.profile.basicConstraints.cA) return undefined;
    return subject.extension(keyUsage)?.value.has("cRLSign")
      ? "cRLSign is given to an end entity"
      : undefined;
  },
};
