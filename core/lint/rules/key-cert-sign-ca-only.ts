/** Room: core/lint. Only authorities may sign certificates. */
import { basicConstraints, keyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const keyCertSignCaOnly: LintRule = {
  id: "key-cert-sign-ca-only",
  citation: "RFC 5280 §4.2.1.3, §4.2.1.9",
  check(subject) {
    if (!subject.extension(keyUsage)?.value.has("keyCertSign")) return undefined;
    return subject.extension(basicConstraints)?.value.cA ? undefined : "keyCertSign is given without cA";
  },
};
