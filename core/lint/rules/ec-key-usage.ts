/** Room: core/lint. EC keys do not encipher. */
import { keyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const ecKeyUsage: LintRule = {
  id: "ec-key-usage",
  citation: "RFC 8813 §3",
  check(subject) {
    if (subject.keyKind?.algorithm.keyType !== "ec") return undefined;
    const usage = subject.extension(keyUsage)?.value;
    if (usage?.has("keyEncipherment")) return "keyEncipherment is given to an EC key, which cannot encipher";
    return usage?.has("dataEncipherment")
      ? "dataEncipherment is given to an EC key, which cannot encipher"
      : undefined;
  },
};
