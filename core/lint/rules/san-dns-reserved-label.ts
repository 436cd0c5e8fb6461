/** Room: core/lint. Labels with a reserved prefix are A-labels. */
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

// "--" in the third place marks an encoding, and xn is the only one there is.
const reserved = /(?:^|\.)(?!xn--[a-z0-9])[a-z0-9]{2}--/i;

export const sanDnsReservedLabel: LintRule = {
  id: "san-dns-reserved-label",
  citation: "RFC 5890 §2.3.1; RFC 9549",
  check(subject) {
    const names = subject.extension(subjectAltName)?.value ?? [];
    const bad = names.some(({ kind, value }) => kind === "dNSName" && reserved.test(value));
    return bad ? "a dNSName in subjectAltName has a reserved label that is no A-label" : undefined;
  },
};
