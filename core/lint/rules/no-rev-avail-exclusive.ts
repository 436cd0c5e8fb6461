/** Room: core/lint. noRevAvail stands beside no pointer to revocation information. */
import {
  accessMethods,
  authorityInfoAccess,
  crlDistributionPoints,
  noRevAvail,
} from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const noRevAvailExclusive: LintRule = {
  id: "no-rev-avail-exclusive",
  citation: "RFC 9608 §2",
  check(subject) {
    if (subject.extension(noRevAvail) === undefined) return undefined;
    const responder = subject
      .extension(authorityInfoAccess)
      ?.value.some(({ accessMethod }) => accessMethod === accessMethods.ocsp);
    const pointer = responder || subject.extension(crlDistributionPoints) !== undefined;
    return pointer ? "noRevAvail stands beside a pointer to revocation information" : undefined;
  },
};
