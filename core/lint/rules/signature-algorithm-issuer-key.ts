/** Room: core/lint. The signature algorithm is the one that the issuer's kind of key is used with. */
import {
  type AuthorityAlgorithm,
  authorityAlgorithms,
  signatureAlgorithmOf,
} from "../../formats/algorithms.ts";
import type { KeyKind } from "../../formats/key-kind.ts";
import type { LintRule } from "../rule.ts";

const rows: readonly AuthorityAlgorithm[] = Object.values(authorityAlgorithms);

const rowOf = ({ algorithm, modulusBits }: KeyKind): AuthorityAlgorithm | undefined =>
  rows.find((row) => row.key.id === algorithm.id && row.modulusBits === modulusBits);

export const signatureAlgorithmIssuerKey: LintRule = {
  id: "signature-algorithm-issuer-key",
  citation: "RFC 5280 §4.1.1.2; FIPS 186-5 §6.1",
  check(subject) {
    const signature = signatureAlgorithmOf(subject.tbs.signature);
    const kind = subject.issuerKeyKind;
    // What is of no known row is the finding of other rules.
    if (signature === undefined || kind === undefined) return undefined;
    const row = rowOf(kind);
    if (row === undefined)
      return `issuer's ${kind.algorithm.id} key is of no size or kind that authorities have`;
    // One key, one algorithm: the digest's strength follows the key's.
    return signature === row.signature
      ? undefined
      : `${signature.id} under the issuer's ${row.id} key, which signs with ${row.signature.id}`;
  },
};
