/** Room: core/lint. ocspNoCheck stands in responders only. */
import { extendedKeyUsage, keyPurposes, ocspNoCheck } from "../../formats/x509/extensions/index.ts";
import type { LintRule } from "../rule.ts";

export const ocspNoCheckResponder: LintRule = {
  id: "ocsp-no-check-responder",
  citation: "RFC 6960 §4.2.2.2.1",
  check(subject) {
    if (subject.extension(ocspNoCheck) === undefined) return undefined;
    const purposes = subject.extension(extendedKeyUsage)?.value ?? [];
    return purposes.includes(keyPurposes.OCSPSigning)
      ? undefined
      : "ocspNoCheck is given to no OCSP responder";
  },
};
