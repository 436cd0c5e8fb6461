/** Room: core/lint. The signature algorithm is one of the issuer's kind of key. */
import { signatureAlgorithmOf } from "../../formats/algorithms.ts";
import type { LintRule } from "../rule.ts";

export const signatureAlgorithmIssuerKey: LintRule = {
  id: "signature-algorithm-issuer-key",
  citation: "RFC 5280 §4.1.1.2",
  check(subject) {
    const row = signatureAlgorithmOf(subject.tbs.signature);
    const key = subject.issuerKeyKind?.algorithm;
    if (row === undefined || key === undefined || row.keyType === key.keyType) return undefined;
    return `${row.id} cannot be made with the issuer's ${key.id} key`;
  },
};
