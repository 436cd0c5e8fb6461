/** Room: core/lint. ML-DSA keys only sign. */
import type { LintRule } from "../rule.ts";
import { signingOnly } from "../signing-key-usage.ts";

export const mlDsaKeyUsage: LintRule = signingOnly(
  ["ml-dsa-44", "ml-dsa-65", "ml-dsa-87"],
  "ml-dsa-key-usage",
  "RFC 9881 §5",
);
