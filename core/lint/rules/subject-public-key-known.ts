/** Room: core/lint. The subject key and its parameters are a row of the table. */
import type { LintRule } from "../rule.ts";

export const subjectPublicKeyKnown: LintRule = {
  id: "subject-public-key-known",
  citation: "RFC 5280 §4.1.2.7; RFC 5480 §2.1.1; RFC 3279 §2.3.1; RFC 8410 §3; RFC 9881 §2",
  check(subject) {
    // The row holds the parameters too: a curve for EC, NULL for RSA, absent for Ed25519 and ML-DSA.
    return subject.keyKind === undefined
      ? "subject key's algorithm, or its parameters, are of no known row"
      : undefined;
  },
};
