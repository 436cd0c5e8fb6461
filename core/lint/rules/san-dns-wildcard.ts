/** Room: core/lint. DNS names are no wildcards. */
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const sanDnsWildcard: LintRule = {
  id: "san-dns-wildcard",
  citation: "RFC 9525 §7.1",
  check(subject) {
    const names = subject.extension(subjectAltName)?.value ?? [];
    // One stolen key would speak for every host of the domain.
    const bad = names.some(({ kind, value }) => kind === "dNSName" && value.startsWith("*"));
    return bad ? "a dNSName in subjectAltName is a wildcard; name each host" : undefined;
  },
};
