/** Room: core/lint. encipherOnly and decipherOnly stand beside keyAgreement. */
import { keyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const keyAgreementOnlyBits: LintRule = {
  id: "key-agreement-only-bits",
  citation: "RFC 5280 §4.2.1.3",
  check(subject) {
    const usage = subject.extension(keyUsage)?.value;
    if (usage === undefined || usage.has("keyAgreement")) return undefined;
    const undefinedBit = usage.has("encipherOnly") || usage.has("decipherOnly");
    return undefinedBit ? "encipherOnly or decipherOnly has no meaning without keyAgreement" : undefined;
  },
};
