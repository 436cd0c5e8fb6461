/** Room: core/lint. The issuer's key is named as the issuer names it. */
import { authorityKeyIdentifier, subjectKeyIdentifier } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const authorityKeyIdentifierMatches: LintRule = {
  id: "authority-key-identifier-matches",
  citation: "RFC 5280 §4.2.1.1",
  check(subject) {
    const own = subject.extension(authorityKeyIdentifier)?.value.keyIdentifier;
    if (own === undefined) return undefined;
    const issuers = subject.issuerExtension(subjectKeyIdentifier)?.value;
    if (issuers !== undefined && Buffer.compare(own, issuers) === 0) return undefined;
    return "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier";
  },
};
