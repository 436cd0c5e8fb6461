/** Room: core/lint. The issuer's key is named, but for self-signed certificates. */
import { authorityKeyIdentifier } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const authorityKeyIdentifierPresent: LintRule = {
  id: "authority-key-identifier-present",
  citation: "RFC 5280 §4.2.1.1",
  check(subject) {
    if (subject.context.issuer === "self") return undefined;
    // Absent or malformed: the latter is a finding of its own.
    const present = subject.tbs.extensions.some(({ oid }) => oid === authorityKeyIdentifier.oid);
    if (!present) return "authorityKeyIdentifier is absent; only a self-signed certificate does without";
    const identifier = subject.extension(authorityKeyIdentifier)?.value;
    return identifier !== undefined && identifier.keyIdentifier === undefined
      ? "authorityKeyIdentifier lacks its keyIdentifier"
      : undefined;
  },
};
