/** Room: core/lint. Key purposes agree with key usage. */
import { extendedKeyUsage, keyPurposes, keyUsage } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const extendedKeyUsageConsistent: LintRule = {
  id: "extended-key-usage-consistent",
  citation: "RFC 5280 §4.2.1.12; RFC 8446 §4.4.2.2",
  check(subject) {
    const purposes = subject.extension(extendedKeyUsage)?.value ?? [];
    const usage = subject.extension(keyUsage)?.value;
    const tls = purposes.includes(keyPurposes.serverAuth) || purposes.includes(keyPurposes.clientAuth);
    // TLS 1.3 authenticates by signature only.
    return tls && usage !== undefined && !usage.has("digitalSignature")
      ? "serverAuth or clientAuth is given, but not digitalSignature"
      : undefined;
  },
};
