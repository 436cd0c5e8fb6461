/** Room: core/lint. DNS names have the preferred name syntax. */
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import { limits } from "../../standard/limits.ts";
import type { LintRule } from "../rule.ts";

const { value: longest } = limits.dnsNameOctets;
// The wildcard label has a rule of its own.
const ldh = /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

export const sanDnsSyntax: LintRule = {
  id: "san-dns-syntax",
  citation: "RFC 5280 §4.2.1.6; RFC 1034 §3.5; RFC 1123 §2.1; RFC 9549",
  check(subject) {
    const names = subject.extension(subjectAltName)?.value ?? [];
    const bad = names.some(
      ({ kind, value }) => kind === "dNSName" && (value.length > longest || !ldh.test(value)),
    );
    return bad ? "a dNSName in subjectAltName is not of letters, digits and inner hyphens" : undefined;
  },
};
