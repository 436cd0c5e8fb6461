/** Room: core/lint. The issuer may issue. */
import { basicConstraints, keyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const issuerIsCa: LintRule = {
  id: "issuer-is-ca",
  citation: "RFC 5280 §6.1.4 (k), (n)",
  check(subject) {
    if (subject.context.issuer === "self") return undefined;
    if (subject.issuerExtension(basicConstraints)?.value.cA !== true)
      return "issuer is no certification authority";
    const usage = subject.issuerExtension(keyUsage)?.value;
    return usage?.has("keyCertSign") ? undefined : "issuer's key usage lacks keyCertSign";
  },
};
