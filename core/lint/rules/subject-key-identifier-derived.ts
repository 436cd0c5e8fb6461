/** Room: core/lint. The subject key's identifier comes from the key. */
import { hash } from "node:crypto";
import { DerCursor } from "../../formats/der/cursor.ts";
import { subjectKeyIdentifier } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const subjectKeyIdentifierDerived: LintRule = {
  id: "subject-key-identifier-derived",
  citation: "RFC 5280 §4.2.1.2; RFC 7093 §2 (1)",
  check(subject) {
    const own = subject.extension(subjectKeyIdentifier)?.value;
    if (own === undefined || subject.keyKind === undefined) return undefined;
    const fields = DerCursor.inSequence(subject.tbs.subjectPublicKeyInfo);
    fields.element();
    const derived = hash("sha256", fields.bitString(), "buffer").subarray(0, 20);
    return Buffer.compare(own, derived) === 0
      ? undefined
      : "subjectKeyIdentifier is not derived from the subject key";
  },
};
