/** Room: core/lint. Ed25519 keys only sign. */
import type { LintRule } from "../rule.ts";
import { signingOnly } from "../signing-key-usage.ts";

export const ed25519KeyUsage: LintRule = signingOnly(
  ["ed25519"],
  "ed25519-key-usage",
  "RFC 8410 §5; RFC 9295",
);
