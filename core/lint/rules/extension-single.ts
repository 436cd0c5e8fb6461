/** Room: core/lint. No extension stands twice. */
import type { LintRule } from "../rule.ts";

export const extensionSingle: LintRule = {
  id: "extension-single",
  citation: "RFC 5280 §4.2",
  check({ tbs }) {
    const oids = tbs.extensions.map(({ oid }) => oid);
    const twice = oids.find((oid, index) => oids.indexOf(oid) !== index);
    return twice === undefined ? undefined : `extension ${twice} stands twice`;
  },
};
