/** Room: core/lint. An end entity has a subjectAltName. */
import { subjectAltName } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const sanPresent: LintRule = {
  id: "san-present",
  citation: "RFC 9525; SPIFFE X.509-SVID §2",
  check({ tbs, context }) {
    // Neither is a peer of anybody: an authority signs, and so does a key of the service itself.
    if (context.profile.basicConstraints.cA || context.profile.subjectKind === "service") return undefined;
    return tbs.extensions.some(({ oid }) => oid === subjectAltName.oid)
      ? undefined
      : "subjectAltName is absent";
  },
};
