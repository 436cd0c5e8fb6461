/** Room: core/lint. The signature algorithm and its parameters are a row of the standard. */
import { signatureAlgorithmOf } from "../../formats/algorithms.ts";
import { signatureAlgorithms } from "../../standard/algorithms.ts";
import type { LintRule } from "../rule.ts";

export const signatureAlgorithmKnown: LintRule = {
  id: "signature-algorithm-known",
  citation: "RFC 5280 §4.1.2.3; RFC 5758 §3.2; RFC 4055 §5; RFC 8410 §3; RFC 9881 §2",
  check({ tbs }) {
    // The row holds the parameters too: NULL for RSA, absent for all others.
    const row = signatureAlgorithmOf(tbs.signature);
    if (row === undefined) return "signature algorithm, or its parameters, are of no known row";
    return row.id in signatureAlgorithms ? undefined : `signature algorithm ${row.id} is not in the standard`;
  },
};
