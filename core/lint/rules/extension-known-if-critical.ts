/** Room: core/lint. Every critical extension is one that we know. */
import { extensionTypes } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const extensionKnownIfCritical: LintRule = {
  id: "extension-known-if-critical",
  citation: "RFC 5280 §4.2",
  check({ tbs }) {
    // We would ask every verifier to understand what we do not.
    const unknown = tbs.extensions.find(({ oid, critical }) => critical && !extensionTypes.has(oid));
    return unknown === undefined ? undefined : `extension ${unknown.oid} is critical and unknown`;
  },
};
