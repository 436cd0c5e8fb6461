/** Room: core/lint. An RSA key has a size of the profile's. */
import type { LintRule } from "../rule.ts";

export const rsaModulusSize: LintRule = {
  id: "rsa-modulus-size",
  citation: "SP 800-131A r2 §3; FIPS 186-5 §5.1",
  check(subject) {
    const bits = subject.keyKind?.modulusBits;
    const { id, rsaModulusBits } = subject.context.profile;
    if (bits === undefined || (bits >= rsaModulusBits.minimum && bits <= rsaModulusBits.maximum))
      return undefined;
    return `RSA key of ${bits} bits; profile "${id}" takes ${rsaModulusBits.minimum} to ${rsaModulusBits.maximum}`;
  },
};
